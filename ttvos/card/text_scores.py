"""The scores of a model card as Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

from ttvos.card.facts import ROUNDED, SHIPPED, UNKNOWN

MADE_WITH = {
    SHIPPED: "the shipped file",
    ROUNDED: "the weights before they were rounded to half precision",
    UNKNOWN: "weights that were not recorded beside the masks",
}


def scores_text(card: dict[str, Any]) -> str:
    """One line a data set, and one for each reference on it."""
    rows, scores = [], card["scores"]
    for label, scored in scores.items():
        data = scored["data"]
        what = f"{len(data['sequences'])} of {data['split']}, {data['year']}"
        rows.append((label, what, "these weights", *_means(scored)))
        for name, reference in scored.get("references", {}).items():
            rows.append((label, what, name, *_means(reference)))
    lines = [
        "## Scores",
        "Points of the DAVIS semi-supervised protocol, mean over objects.",
        table(("Data", "Sequences", "Tracker", "J&F", "J", "F"), rows),
        *(_how(label, scored) for label, scored in scores.items()),
        *_known(card),
    ]
    return "\n\n".join(lines)


def _how(label: str, scored: dict[str, Any]) -> str:
    """What made the masks of a data set, and at which size."""
    scale = scored["input_scale"]
    size = "" if scale == 1 else f" from frames brought to {scale:g} of their size"
    device = scored["provenance"]["device"]
    return f"{label}: masks made with {MADE_WITH[scored['made_with']]}{size}; scored on {device}."


def _known(card: dict[str, Any]) -> list[str]:
    """Data sets with sequences that the training or the choice of weights has seen."""
    training, texts = card["training"], []
    settings, selection = training["settings"], training["selection"] or {}
    chosen = set((selection.get("data") or {}).get("sequences", ()))
    learnt = {stage["split"] for stage in settings["stages"] if stage["source"] == "davis"}
    for label, scored in card["scores"].items():
        names = set(scored["data"]["sequences"])
        if chosen & names:
            texts.append(
                f"{label}: chose the weights, so its scores are no independent measurement."
            )
        if scored["data"]["split"] in learnt and names - set(settings.get("heldout") or ()):
            texts.append(f"{label}: has sequences that the weights learnt from.")
    return texts


def _means(scored: dict[str, Any]) -> tuple[str, ...]:
    return tuple(f"{scored['global'][key]:.1f}" for key in ("J&F-Mean", "J-Mean", "F-Mean"))


def sequences_text(label: str, scored: dict[str, Any]) -> str:
    """Each sequence's scores, and the references' J&F beside them."""
    references = scored.get("references", {})
    rows = [
        (
            name,
            *(f"{values[key]:.1f}" for key in ("J&F", "J", "F")),
            *(f"{other['sequences'][name]['J&F']:.1f}" for other in references.values()),
        )
        for name, values in scored["sequences"].items()
    ]
    heads = ("Sequence", "J&F", "J", "F", *(f"{name}, J&F" for name in references))
    return f"### {label}, by sequence\n\n{table(heads, rows)}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
