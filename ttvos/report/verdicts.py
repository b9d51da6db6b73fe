"""When a measured number is the paper's quantity, and what its table's cell then says.

A verdict of `ttvos.evaluation.judge` is given only when both numbers are the same quantity,
measured on the same data (accuracy), at the same frame size (cost) or on the same device
(speed). A number that is another quantity is "not compared", with the reason, and where there is
none at all the cell says "not measured". Of a peer's accuracy the public record may say whether it
agrees. Where the paper gives no number there is nothing to hold, and no verdict.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ttvos.evaluation.judge import DIFFERS, ONE_RUN, REPRODUCED, TOO_NOISY, Decision, judge
from ttvos.plan.manifest import UNTRAINED as LEFT_UNTRAINED
from ttvos.plan.manifest import DatasetEntry, Manifest, data_label
from ttvos.report.paper import explained, subject
from ttvos.report.results import Entry, File, Measured, RowResults, measure
from ttvos.report.table import EMPTY, Cell

Status = (
    Decision
    | Literal[
        "agrees with the public record",
        "differs from the public record",
        "not compared",
        "not measured",
    ]
)
AGREES, DISPUTED = "agrees with the public record", "differs from the public record"
NOT_COMPARED, NOT_MEASURED, ABSENT = "not compared", "not measured", "not in this run"
STATUSES: tuple[Status, ...] = (
    REPRODUCED,
    DIFFERS,
    TOO_NOISY,
    ONE_RUN,
    AGREES,
    DISPUTED,
    NOT_COMPARED,
    NOT_MEASURED,
)

# Sequences of the validation sets that the paper scores (docs/facts.md, section 5; docs/peers.md,
# section 0): a part of a validation set is another quantity.
PAPER_SEQUENCES = {"davis16": 20, "davis17": 30}
PAPER_YEARS = {"davis16": 2016, "davis17": 2017}
PAPER_SPLIT = "val"
# Frame sizes that the paper's costs and speeds are for: Table 2 says 480x853, the videos are
# 480x854 and the network pads them to 480x864 (docs/facts.md, section 1); all are one input.
PAPER_HEIGHT, PAPER_WIDTHS = 480, (853, 854, 864)
# A row that learnt for fewer steps, and of which no score reaches so many points, is untrained.
STEPS, POINTS = 1000, 5.0
UNTRAINED = f"untrained: learnt here for fewer than {STEPS:,} steps, every J&F below {POINTS:g}"
UNTRAINED_RULE = (
    f"A row is untrained where it learnt here for fewer than {STEPS:,} steps and no score of it "
    f"reaches {POINTS:g} points of J&F: that says how short the training was, and nothing of the "
    "method. Both bounds are choices of this report."
)
LEFT_OUT = (
    f"Of a row that is {LEFT_UNTRAINED} only cost and speed are measured here; its accuracy is "
    "left to a longer run (the setting `untrained` names such rows)."
)


@dataclass(frozen=True)
class Verdict:
    """status, and why: the distance and the rule, or what keeps the two from being compared."""

    status: Status
    reason: str


def decide(
    kind: str, paper: str, measured: Measured | None, obstacle: str | None
) -> Verdict | None:
    """Compare a measured quantity with the paper's printed number; None where it gives none ("").

    kind: a key of `ttvos.evaluation.judge.RULES`. obstacle: why they are not the same quantity,
    or None.
    """
    if not paper:
        return None
    if measured is None:
        return Verdict(NOT_MEASURED, ABSENT)
    if not measured.values:
        return Verdict(NOT_MEASURED, UNTRAINED if obstacle == UNTRAINED else measured.refusal)
    if obstacle:
        return Verdict(NOT_COMPARED, obstacle)
    found = judge(kind, paper, measured.values)
    return Verdict(found.status, found.reason)


def weigh_record(paper: str, record: str) -> Verdict | None:
    """What the public record says of an accuracy, both as printed; None where paper is ""."""
    if not paper:
        return None
    found = judge("masks", paper, [float(record)])
    status = AGREES if found.status == REPRODUCED else DISPUTED
    return Verdict(status, f"record {record}: {found.reason}")


def verdict_cell(verdict: Verdict | None, line: dict[str, str], key: str, label: str) -> Cell:
    """A verdict as a cell that knows which number of the paper's it is on.

    line, key: the paper's row as printed, and the number's column in it; label: in words. A
    difference that the ledger explains points there.
    """
    if verdict is None:
        return EMPTY
    about = f"{subject(line)}, {line[key]} ({label})"
    item = explained().get(about) if verdict.status == DIFFERS else None
    if item is None:
        return Cell(verdict.status, reason=verdict.reason, about=about)
    reason = f"{verdict.reason}; ledger item {item}"
    return Cell(verdict.status, reason=reason, about=about, href="#ledger")


def accuracy_obstacle(manifest: Manifest, dataset: str, results: Iterable[File]) -> str | None:
    """Why the accuracy of a row is not the paper's DAVIS accuracy; None when it is.

    The profile must say that it is comparable, and every file must agree with that claim:
    a claim alone does not turn built-in clips or a part of a validation set into DAVIS.
    """
    if not manifest.comparable.accuracy:
        return manifest.comparable.reason or f"not the paper's data: {data_label(manifest)}"
    return data_obstacle(manifest, dataset, results)


def paper_set(entry: DatasetEntry | None) -> str | None:
    """Which of the paper's validation sets a dataset stands for, by its year and split."""
    if entry is None or entry.split != PAPER_SPLIT:
        return None
    return next((name for name, year in PAPER_YEARS.items() if year == entry.year), None)


def data_obstacle(
    manifest: Manifest, dataset: str, results: Iterable[File], tracked: bool = True
) -> str | None:
    """Why files score something else than the paper's DAVIS validation set; None when they do not.

    tracked: the masks were made here, from frames at the dataset's input scale.
    """
    entry = manifest.datasets.get(dataset)
    paper = paper_set(entry)
    if entry is None or paper is None:
        return f"not the {PAPER_SPLIT} split of DAVIS 2016 or 2017"
    if tracked and entry.input_scale != 1:
        return f"frames tracked at {entry.input_scale:g} of their size"
    for result in results:
        profile = ((result.provenance and result.provenance.data) or {}).get("profile")
        if profile != manifest.profile or profile == "mini":
            return f"measured on the data of profile {profile}"
        count = len(result.record.sequences())
        if count != PAPER_SEQUENCES[paper]:
            return f"{count} of the validation set's {PAPER_SEQUENCES[paper]} sequences"
    return None


def size_obstacle(result: File | None) -> str | None:
    """Why a cost or speed is for another frame size than the paper's; None when it is the same."""
    if result is None:
        return None
    height, width = result.record.height, result.record.width
    if height is None or width is None:
        return "the file does not say its frame size"
    if height != PAPER_HEIGHT or width not in PAPER_WIDTHS:
        return f"measured at {height}x{width}"
    return None


def speed_obstacle(is_papers_device: bool, result: File | None) -> str | None:
    """Why a speed is not the paper's: another device, another frame size."""
    reasons = [size_obstacle(result)]
    if not is_papers_device:
        device = result.device if result else "this device"
        reasons.insert(0, f"another device than the paper's: {device}")
    return "; ".join(reason for reason in reasons if reason) or None


def untrained(entry: Entry) -> str:
    """The words "untrained (18 steps)" by `UNTRAINED_RULE`; "" for other rows and what others made.

    Every seed and every dataset counts: a row of which one run learnt something is not untrained.
    A row that the settings leave untrained has the manifest's words for it.
    """
    if isinstance(entry, RowResults) and entry.entry.untrained:
        return entry.entry.untrained
    if not isinstance(entry, RowResults) or not entry.train:
        return ""
    steps = measure(entry.train, lambda training: training.steps)
    scores = measure(entry.scores(), lambda scores: 100 * scores.means.jf_mean)
    if not (steps and steps.values and scores and scores.values):
        return ""
    most = max(steps.values)
    is_untrained = most < STEPS and max(scores.values) < POINTS
    return f"untrained ({most:.0f} step{'s' * (most != 1)})" if is_untrained else ""


def untrained_notes(entries: Iterable[Entry]) -> list[str]:
    """Why some of these rows have no accuracy."""
    found = {untrained(entry) for entry in entries} - {""}
    left_out = [LEFT_OUT] if found & {LEFT_UNTRAINED} else []
    return left_out + ([UNTRAINED_RULE] if found - {LEFT_UNTRAINED} else [])
