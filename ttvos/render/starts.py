"""What the trainings behind a table's rows started from, in words and from their train.json."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.render.inputs import Accuracy, RowResults

WORDS = {
    "random": "random weights",
    "imagenet": "an ImageNet backbone, heads random",
    None: "unknown weights",
}


def start(initial: dict[str, Any] | None) -> str:
    """What a training started from. initial: {"source", ...} of its provenance.

    A file gives its backbone only, whatever else it holds.
    """
    source = (initial or {}).get("source")
    return WORDS.get(source) or f"the backbone of {Path(source).name}, heads random"


def within(initial: dict[str, Any] | None) -> str:
    """A sentence on the training that the backbone learnt in; "" where that is not recorded."""
    experiment = (initial or {}).get("trained_within")
    if not experiment:
        return ""
    name = Path(initial["source"]).name
    return (
        f"The backbone of {name} learnt within a training of {experiment}: rows that start from it "
        f"go on from what {experiment} needed, and {experiment} has that in its favour."
    )


def start_notes(entries: Iterable[Accuracy | None]) -> list[str]:
    """What the rows started from, one note, and whose training it was, one note a file."""
    seeds: dict[tuple[str, str, int | None], list[str]] = {}
    notes: dict[str, None] = {}
    for entry in entries:
        for result in entry.train if isinstance(entry, RowResults) else ():
            initial = (result.provenance or {}).get("initial")
            key = (entry.label, start(initial), result.data.get("steps"))
            seeds.setdefault(key, []).append(str(result.data["seed"]))
            notes[within(initial)] = None
    found = [
        f"{label} ({'seeds' if len(numbers) > 1 else 'seed'} {', '.join(numbers)}) "
        f"from {words}, {steps} steps"
        for (label, words, steps), numbers in seeds.items()
    ]
    told = [f"Trained here: {'; '.join(found)}."] if found else []
    return told + [note for note in notes if note]
