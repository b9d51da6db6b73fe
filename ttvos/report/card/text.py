"""A model card's facts as Markdown; nothing is said here that the facts do not hold."""

from typing import Any

from ttvos.core.text import markdown_table
from ttvos.report.card.facts import OWN_LICENCE, ROUNDED, SHIPPED, UNKNOWN
from ttvos.report.recipe import other_settings, stage_data, stage_extras, stage_rate

STAGE_COLUMNS = ("Stage", "Data", "Size", "Frames", "Clips a step", "Learning rate", "Steps", "Min")
MADE_WITH = {
    SHIPPED: "the shipped file",
    ROUNDED: "the weights before they were rounded to half precision",
    UNKNOWN: "weights that were not recorded beside the masks",
}


def card_text(card: dict[str, Any]) -> str:
    """The whole card."""
    parts = (
        _head(card),
        scores_text(card),
        *(sequences_text(label, scored) for label, scored in card["scores"].items()),
        _data(card["data"]),
        _recipe(card["training"]),
        _origin(card),
        _limits(card),
    )
    return "\n\n".join(parts) + "\n"


def _head(card: dict[str, Any]) -> str:
    name, weights, training = card["name"], card["weights"], card["training"]
    experiment = f"experiment {training['variant'].removeprefix('exp')} of the paper's Table 4"
    return f"""# {name}

TTVOS, {experiment}, with the backbone {training["backbone"]}.
{weights["parameters"]:,} parameters, {weights["bytes"] / 1e6:.1f} MB ({weights["precision"]}).
Trained by this repository; these are not the authors' weights, and the scores are not the paper's.

```python
import ttvos

model = ttvos.load("{name}")
track = ttvos.track(model, frames, first_mask)
```

`ttvos card` wrote this page from result files; `{name}.json` holds the same as data."""


def _data(data: dict[str, Any]) -> str:
    rows = []
    for entry in data["used"]:
        for source in entry["sources"]:
            title = source["title"]
            shown = f"[{title}]({source['page']})" if source.get("page") else title
            stages = ", ".join(dict.fromkeys(entry["stages"]))
            rows.append((shown, entry["folder"], stages, source["licence"]))
    table = markdown_table(("Data", "Folder", "Stages", "Licence"), rows)
    return f"## Training data\n\n{table}".rstrip()


def _recipe(training: dict[str, Any]) -> str:
    settings = training["settings"]
    done = {stage["name"]: stage for stage in training["stages"]}
    rows = [_stage(stage, done.get(stage["name"], {})) for stage in settings["stages"]]
    extras = ((stage["name"], stage_extras(stage)) for stage in settings["stages"])
    lines = [f"- {name}: {text}" for name, text in extras if text]
    lines += [f"- {key}: {value}" for key, value in other_settings(settings)]
    lines = "\n".join(lines)
    return f"## Recipe\n\n{markdown_table(STAGE_COLUMNS, rows)}\n{lines}"


def _stage(stage: dict[str, Any], done: dict[str, Any]) -> tuple[str, ...]:
    return (
        stage["name"],
        stage_data(stage),
        f"{stage['height']}×{stage['width']}",
        str(stage["frames"]),
        str(stage["batch"]),
        stage_rate(stage),
        str(done.get("steps", "–")),
        f"{done['seconds'] / 60:.0f}" if done else "–",
    )


def _origin(card: dict[str, Any]) -> str:
    """Start, seed, device, time, command, hashes."""
    training, weights = card["training"], card["weights"]
    source = training["provenance"]
    facts = [
        ("Started from", _start(training["initial"])),
        ("Weights of", _selected(training["selection"])),
        ("Seed", training["seed"]),
        ("Steps", training["steps"]),
        ("Time", f"{training['seconds'] / 60:.0f} minutes"),
        ("Device", f"{source['device']}, {source['cpus']} processor cores"),
        ("Precision", source["precision"]),
        ("Command", f"`{' '.join(source['command'] or [])}`"),
        ("Commit", source["commit"]),
        ("Finished", source["time"]),
        ("SHA-256", f"`{weights['sha256']}`"),
    ]
    lines = (f"- {label}: {value}" for label, value in facts if value not in (None, ""))
    return "## How they were made\n\n" + "\n".join(lines)


def _start(initial: dict[str, Any] | None) -> str:
    if not initial or initial["source"] in (None, "random"):
        return "random weights"
    if initial["source"] == "imagenet":
        return "ImageNet weights of the backbone"
    text = f"the backbone of `{initial['source']}` (SHA-256 {initial['sha256'][:12]})"
    learnt = initial.get("trained_on")
    if learnt:
        folders = learnt.get("root") or ()
        folders = [folders] if isinstance(folders, str) else folders
        text += f", trained on {', '.join(dict.fromkeys(folders))} (profile {learnt['profile']})"
    return text


def _selected(selection: dict[str, Any] | None) -> str | None:
    """Which step's weights these are, and what chose it."""
    if not selection:
        return None
    if not selection.get("data"):
        return "the last step"
    data = selection["data"]
    kinds = {"heldout": "sequences held out from training", "released": "the reported test set"}
    names = ", ".join(data["sequences"])
    return f"the step that scored best on {kinds.get(selection['by'], selection['by'])}: {names}"


def _limits(card: dict[str, Any]) -> str:
    data, training = card["data"], card["training"]
    lines = []
    if data["missing_of_the_paper"]:
        lines.append(
            "The paper trains on these as well: " + "; ".join(data["missing_of_the_paper"]) + "."
        )
    if (training["initial"] or {}).get("source") != "imagenet":
        lines.append("The backbone did not start from ImageNet weights, as the paper's does.")
    stages = training["settings"]["stages"]
    sizes = dict.fromkeys(f"{stage['height']}×{stage['width']}" for stage in stages)
    lines.append(f"Learnt on frames of {', '.join(sizes)} pixels; other sizes are new to it.")
    lines.append("One object of a clip was learnt at a time; several are tracked side by side.")
    licences = {source["licence"] for entry in data["used"] for source in entry["sources"]}
    if licences - {OWN_LICENCE}:
        lines.append(
            "The licences of the training data (above) are for research or non-commercial use. "
            "What that means for weights is not settled: take them to be bound by it too."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


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
        markdown_table(("Data", "Sequences", "Tracker", "J&F", "J", "F"), rows).rstrip(),
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
    return f"### {label}, by sequence\n\n{markdown_table(heads, rows)}".rstrip()
