"""What must be known to read a table of results that the repository keeps."""

from ttvos.publication.form import Published
from ttvos.render.inputs import ReportInput
from ttvos.render.intervals import LEGEND, detectable_note
from ttvos.render.published_sequences import sequence_scores
from ttvos.render.same_part import others_on_part


def published_notes(published: Published, report: ReportInput | None) -> list[str]:
    """What was scored, what that can show, what others reach on it, and what is missing."""
    notes = [LEGEND] if published.sequences else []
    for dataset in published.record["datasets"].values():
        names = dataset["sequences"]
        scale = dataset["input_scale"]
        seen = "" if scale == 1 else f"; the network saw the frames at {scale:g} of their size"
        what = f"{len(names)} sequences of {dataset['split']}, {dataset['year']}"
        notes.append(f"{dataset['label']}: {what} ({', '.join(names)}){seen}.")
    notes += _sequence_notes(published, report)
    notes += _selection_notes(published)
    codes = {training["code"] for training in published.record["trainings"]}
    if len(codes) > 1:
        notes.append(f"The runs were trained with {len(codes)} versions of the training code.")
    if missing := published.record["missing"]:
        notes.append(f"Not there yet when this was collected: {len(missing)} result files.")
    return notes


def _sequence_notes(published: Published, report: ReportInput | None) -> list[str]:
    """What each dataset's sequences can show, and what others score on them in this run."""
    notes = []
    rows = dict.fromkeys(line.row for line in published.scores)
    for name, dataset in published.record["datasets"].items():
        label, names = dataset["label"], dataset["sequences"]
        found = [sequence_scores(published, row, name) for row in rows]
        notes.append(detectable_note(label, found))
        if report:
            notes.append(others_on_part(report, label, dataset["year"], names))
    return [note for note in notes if note]


def _selection_notes(published: Published) -> list[str]:
    """Datasets whose scores chose weights: they are no independent measurement."""
    chosen_on: set[str] = set()
    for training in published.record["trainings"]:
        chosen_on |= set((training["selection"]["data"] or {}).get("sequences", ()))
    return [
        f"{dataset['label']}: weights were selected on sequences of it, so its scores are no "
        "independent measurement."
        for dataset in published.record["datasets"].values()
        if chosen_on & set(dataset["sequences"])
    ]
