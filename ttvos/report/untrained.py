"""Rows whose training was too short for any mask to come of it: their score is no result."""

from ttvos.report.inputs import Accuracy, RowResults
from ttvos.report.results import measure

STEPS, POINTS = 1000, 5.0
# Why such a row's score is not compared with the paper's.
UNTRAINED = f"untrained: learnt here for fewer than {STEPS:,} steps, every J&F below {POINTS:g}"
RULE = (
    f"A row is untrained where it learnt here for fewer than {STEPS:,} steps and no score of it "
    f"reaches {POINTS:g} points of J&F: that says how short the training was, and nothing of the "
    "method. Both bounds are choices of this report."
)


def untrained(entry: Accuracy | None) -> str:
    """The words "untrained (18 steps)" by `RULE`; "" for other rows and what others trained.

    Every seed and every dataset counts: a row of which one run learnt something is not untrained.
    """
    if not isinstance(entry, RowResults) or not entry.train:
        return ""
    steps = measure(entry.train, lambda data: data["steps"])
    files = [result for results in entry.evaluate.values() for result in results]
    scores = measure(files, lambda data: 100 * data["global"]["J&F-Mean"])
    if not (steps and steps.values and scores and scores.values):
        return ""
    most = max(steps.values)
    is_untrained = most < STEPS and max(scores.values) < POINTS
    return f"untrained ({most:.0f} step{'s' * (most != 1)})" if is_untrained else ""
