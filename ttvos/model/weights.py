"""TTVOS's weights on disk: checkpoints of ours and of the authors, and initial backbones.

All reading and filling in is `ttvos.model.state_dict`'s: strict, and without running code.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ttvos.core.errors import UserError
from ttvos.core.shipped_weights import find_weights
from ttvos.core.variant import BACKBONES, Variant
from ttvos.model.renaming import is_released, our_name
from ttvos.model.state_dict import StateDict, fill, read_facts, read_tensors, under, write_tensors
from ttvos.model.ttvos import TTVOS, build_model

FORMAT = "ttvos-1"
BACKBONE_FORMAT = "ttvos-backbone-1"


def save(model: TTVOS, path: Path | str, provenance: dict[str, Any], half: bool = False) -> None:
    """Write the whole model with its variant, backbone and provenance, atomically.

    half: store layers' weights as float16 (`write_tensors`); loading gives float32 again.
    """
    metadata = {
        "format": FORMAT,
        "variant": json.dumps(asdict(model.variant)),
        "backbone": model.backbone_name,
        "provenance": json.dumps(provenance),
    }
    write_tensors(model.state_dict(), path, metadata, half)


def save_backbone(
    model: TTVOS, path: Path | str, provenance: dict[str, Any], half: bool = True
) -> None:
    """Write the model's backbone only, as initial weights for `initial_backbone`."""
    metadata = {
        "format": BACKBONE_FORMAT,
        "backbone": model.backbone_name,
        "provenance": json.dumps(provenance),
    }
    write_tensors(model.backbone.state_dict(), path, metadata, half)


def load(
    path: Path | str, backbone: str | None = None, variant: Variant | str | None = None
) -> TTVOS:
    """Read a checkpoint of ours or of the authors; the model is on the CPU and in eval mode.

    path: a file, or the name of shipped weights (`ttvos.core.shipped_weights`).
    backbone: needed for the authors' files, which do not say it; otherwise only checked.
    variant: an experiment or its name that the checkpoint must be of; None accepts any.
    Raises UserError for a missing, truncated, foreign or unsafe file, for one of another
    backbone or variant, and for missing, unexpected or misshaped tensors.
    """
    if not isinstance(path, (str, Path)):
        raise UserError(f"a checkpoint is a file or a name of weights, not {type(path).__name__}")
    path = find_weights(path)
    if backbone is not None and backbone not in BACKBONES:
        raise UserError(f"unknown backbone {backbone!r}; known: {', '.join(BACKBONES)}")
    facts, tensors = metadata(path), read_tensors(path, nested="net")
    with torch.random.fork_rng(devices=[]):  # layers draw random weights before they are filled
        if path.suffix != ".safetensors" or (not facts and is_released(tensors)):
            model = _released(tensors, path, backbone)
        else:
            model = _own(tensors, facts, path, backbone)
    _check_variant(model.variant, variant, path)
    return model.eval()


def initial_backbone(model: TTVOS, path: Path | str) -> None:
    """Fill `model.backbone` strictly from a backbone's file or from a whole checkpoint's part.

    path: what `save_backbone` or `save` wrote, or the name of shipped weights.
    Raises UserError for other files, another backbone, and tensors that do not fit.
    """
    path = find_weights(path)
    facts, tensors = metadata(path), read_tensors(path)
    if facts.get("format") not in (FORMAT, BACKBONE_FORMAT):
        raise UserError(
            f"{path}: format {facts.get('format')!r}, but a backbone's initial weights have "
            f"{FORMAT!r} or {BACKBONE_FORMAT!r}: give a checkpoint that `ttvos train` made"
        )
    _check_backbone(facts.get("backbone"), model.backbone_name, path)
    if facts["format"] == FORMAT:
        tensors = under(tensors, "backbone.")
    fill(model.backbone, tensors, f"{path}: does not fit the backbone {model.backbone_name}")


def metadata(path: Path | str) -> dict[str, Any]:
    """The checkpoint's format, backbone, variant and provenance, without its weights.

    Empty for a file that is not ours.
    """
    path = find_weights(path)
    facts: dict[str, Any] = read_facts(path)
    try:
        for name in ("variant", "provenance"):
            if name in facts:
                facts[name] = json.loads(facts[name])
    except ValueError:
        raise UserError(f"{path}: its {name} is not readable JSON; make the file again") from None
    return facts


def trained_within(path: Path | str) -> dict[str, str]:
    """{"trained_within": experiment} where a file says in whose training its backbone learnt.

    Such a backbone has learnt what that experiment needs; {} for a file that does not say.
    """
    facts = metadata(path)
    if "variant" in facts:
        return {"trained_within": facts["variant"]["name"]}
    source = facts.get("provenance") or {}
    command = (source.get("checkpoint_provenance") or {}).get("command") or []
    named = command[command.index("--variant") + 1 :] if "--variant" in command else []
    name = source.get("trained_within") or next(iter(named), None)
    return {"trained_within": name} if name else {}


def load_released(tensors: StateDict, backbone: str, where: str = "weights") -> TTVOS:
    """The full model (experiment 8) with weights of the authors' names, in eval mode.

    where: how an error begins. Raises UserError when an entry is missing, left over or of another
    shape, as it is with a file of another backbone.
    """
    model = build_model(Variant("exp8"), backbone)
    named = {our_name(key, backbone): value for key, value in tensors.items()}
    fill(model, named, f"{where}: not a released {backbone} checkpoint (name its own backbone)")
    return model.eval()


def _released(tensors: StateDict, path: Path, backbone: str | None) -> TTVOS:
    if backbone is None:
        text = f"{path}: a released file does not say its backbone: pass"
        known = f"one of {', '.join(BACKBONES)}"
        raise UserError(f"{text} backbone=, {known}", on_command_line=f"{text} --backbone, {known}")
    return load_released(tensors, backbone, str(path))


def _own(tensors: StateDict, facts: dict[str, Any], path: Path, backbone: str | None) -> TTVOS:
    if facts.get("format") != FORMAT:
        found = facts.get("format", "no format")
        raise UserError(f"{path}: not a TTVOS checkpoint ({found}, expected {FORMAT})")
    if facts.get("backbone") not in BACKBONES:
        raise UserError(f"{path}: unknown backbone {facts.get('backbone')!r}")
    if backbone is not None:
        _check_backbone(facts["backbone"], backbone, path)
    variant = Variant.read(facts.get("variant"), f"{path}: variant")
    model = build_model(variant, facts["backbone"])
    fill(model, tensors, f"{path}: does not fit {variant.name} with {facts['backbone']}")
    return model


def _check_backbone(found: Any, wanted: str, path: Path) -> None:
    if found != wanted:
        raise UserError(f"{path}: made for the backbone {found}, but {wanted} was asked for")


def _check_variant(found: Variant, wanted: Variant | str | None, path: Path) -> None:
    name = wanted.name if isinstance(wanted, Variant) else wanted
    if name is not None and name != found.name:
        raise UserError(f"{path}: made for the variant {found.name}, but {name} was asked for")
    if isinstance(wanted, Variant) and wanted != found:
        raise UserError(f"{path}: its variant {name} has other parts than experiments.tsv gives it")
