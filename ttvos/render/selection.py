"""How the weights of each trained row were selected, in words and from its train.json."""

from collections.abc import Iterable
from typing import Any

from ttvos.render.inputs import Accuracy, ReportInput, RowResults
from ttvos.render.results import Result
from ttvos.render.verdicts import sequences

WAYS = {
    "last": "the last step",
    "heldout": "best step on held-out training sequences",
    "released": "best step on the test set",
}


def way(train: Result) -> str:
    """Which step's weights a training kept, for the table of trainings."""
    by = (train.data.get("selection") or {}).get("by")
    return WAYS.get(by, "not recorded")


def selection_notes(entries: Iterable[Accuracy | None]) -> list[str]:
    """What the rows' weights were selected on, one sentence for rows that were selected alike.

    Nothing is said of weights of the last step.
    """
    return _grouped((entry.label, _sentence(by)) for entry, by in _selections(entries))


def selection_cautions(report: ReportInput, entries: Iterable[Accuracy | None]) -> list[str]:
    """What must stand beside the rows' scores: that these or the test set selected the weights."""
    found = []
    for entry, selection in _selections(entries):
        if selection["by"] == "released":
            found.append((entry.label, _sentence(selection)))
        for dataset in report.manifest.datasets:
            if _overlaps(entry, dataset, selection):
                text = f"the weights were selected on sequences that {dataset} scores: its scores"
                found.append((entry.label, f"{text} are no independent measurement."))
    return _grouped(found)


def _grouped(found: Iterable[tuple[str, str]]) -> list[str]:
    """(row, sentence) pairs as one note a sentence, which names its rows."""
    rows: dict[str, list[str]] = {}
    for row, text in found:
        rows.setdefault(text, []).append(row)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in rows.items()]


def _selections(
    entries: Iterable[Accuracy | None],
) -> list[tuple[RowResults, dict[str, Any]]]:
    """Rows with what their trainings recorded of a selection by scores."""
    return [
        (entry, train.data["selection"])
        for entry in entries
        if isinstance(entry, RowResults)
        for train in entry.train
        if train.provenance and (train.data.get("selection") or {}).get("data")
    ]


def _sentence(selection: dict[str, Any]) -> str:
    data = selection["data"]
    names = data["sequences"]
    if selection["by"] == "released":
        return (
            "test-set selection, as in the authors' code: the step was kept whose weights score "
            f"best on the split {data['split']} of {data['root']} ({len(names)} sequences), so "
            "scores on that split are optimistic."
        )
    return (
        "the step was kept whose weights score best on training sequences that no stage learnt "
        f"from ({', '.join(names)}); no validation sequence had a part in it."
    )


def _overlaps(entry: RowResults, dataset: str, selection: dict[str, Any]) -> bool:
    """Whether a dataset's scores cover sequences that selected the row's weights."""
    seen = set(selection["data"]["sequences"])
    return any(seen & set(sequences(result)) for result in entry.evaluate.get(dataset, ()))
