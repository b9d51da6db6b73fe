"""Weights on disk: our own safetensors files, and the reading of the authors' files.

Nothing here ever runs code from a file: safetensors hold numbers only, and the authors'
`.pth.tar` goes through `torch.load(weights_only=True)`. Loading is strict.
"""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from ttvos.config.experiments import BACKBONES, Variant
from ttvos.config.run import as_plain
from ttvos.config.strict import build
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path
from ttvos.core.shipped_weights import find_weights
from ttvos.model.released import is_released, load_released
from ttvos.model.statedict import fill, is_state_dict, read_pickled
from ttvos.model.ttvos import TTVOS, build_model

FORMAT = "ttvos-1"
BACKBONE_FORMAT = "ttvos-backbone-1"


def save(model: TTVOS, path: Path | str, provenance: dict[str, Any], half: bool = False) -> None:
    """Write the whole model with its variant, backbone and provenance, atomically.

    half: store the weights of layers as float16 (see `_halved`); loading gives float32 again.
    """
    metadata = {
        "format": FORMAT,
        "variant": json.dumps(as_plain(model.variant)),
        "backbone": model.backbone_name,
        "provenance": json.dumps(provenance),
    }
    _write(model.state_dict(), path, metadata, half)


def save_backbone(
    model: TTVOS, path: Path | str, provenance: dict[str, Any], half: bool = True
) -> None:
    """Write the model's backbone only, as initial weights for `initial_backbone`."""
    metadata = {
        "format": BACKBONE_FORMAT,
        "backbone": model.backbone_name,
        "provenance": json.dumps(provenance),
    }
    _write(model.backbone.state_dict(), path, metadata, half)


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
    if path.suffix == ".safetensors":
        tensors, facts = _read_safetensors(path)
        released = not facts and is_released(tensors)
    else:
        tensors, facts, released = _read_released(path), {}, True
    model = _released(tensors, path, backbone) if released else _own(tensors, facts, path, backbone)
    _check_variant(model.variant, variant, path)
    return model.eval()


def initial_backbone(model: TTVOS, path: Path | str) -> None:
    """Fill `model.backbone` strictly from a backbone's file or from a whole checkpoint's part.

    path: what `save_backbone` or `save` wrote, or the name of shipped weights.
    Raises UserError for other files, another backbone, and tensors that do not fit.
    """
    path = find_weights(path)
    tensors, facts = _read_safetensors(path)
    if facts.get("format") not in (FORMAT, BACKBONE_FORMAT):
        raise UserError(
            f"{path}: format {facts.get('format')!r}, but a backbone's initial weights have "
            f"{FORMAT!r} or {BACKBONE_FORMAT!r}: give a checkpoint that `ttvos train` made"
        )
    _check_backbone(facts.get("backbone"), model.backbone_name, path)
    if facts["format"] == FORMAT:
        parts = {name.partition(".")[::2]: value for name, value in tensors.items()}
        tensors = {name: value for (part, name), value in parts.items() if part == "backbone"}
    fill(model.backbone, tensors, f"{path}: does not fit the backbone {model.backbone_name}")


def metadata(path: Path | str) -> dict[str, Any]:
    """The checkpoint's format, backbone, variant and provenance, without its weights.

    Empty for a safetensors file that is not ours.
    """
    path = find_weights(path)
    with _open_safetensors(path) as handle:
        facts = dict(handle.metadata() or {})
    if not facts.get("format", "").startswith("ttvos-"):  # other tools write "pt" there
        return {}
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
    path = find_weights(path)
    facts = metadata(path) if path.suffix == ".safetensors" else {}
    if "variant" in facts:
        return {"trained_within": facts["variant"]["name"]}
    source = facts.get("provenance") or {}
    command = (source.get("checkpoint_provenance") or {}).get("command") or []
    named = command[command.index("--variant") + 1 :] if "--variant" in command else []
    name = source.get("trained_within") or next(iter(named), None)
    return {"trained_within": name} if name else {}


def _write(tensors: dict[str, Tensor], path: Path | str, facts: dict[str, str], half: bool) -> None:
    ready = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    if half:
        ready = {name: _halved(value) for name, value in ready.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(to_bytes(ready, facts))


def _halved(value: Tensor) -> Tensor:
    """float16 for layers' weights; biases and batch-norm statistics (one axis) stay float32.

    They are few, and a batch-norm's variance can leave float16's range.
    """
    return value.half() if value.is_floating_point() and value.dim() > 1 else value


def _open_safetensors(path: Path):
    try:
        return safe_open(path, framework="pt", device="cpu")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path}: truncated, or not a safetensors file ({error}); fetch or make it again"
        ) from None


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    facts = metadata(path)
    with _open_safetensors(path) as handle:
        return {name: handle.get_tensor(name) for name in handle.keys()}, facts  # noqa: SIM118


def _read_released(path: Path) -> dict[str, Tensor]:
    """State dict of a `.pth` or `.pth.tar`: {"net": state dict}, or the state dict itself."""
    content = read_pickled(path)
    state = content.get("net", content) if isinstance(content, dict) else None
    if not is_state_dict(state):
        raise UserError(f'{path}: holds neither a state dict nor {{"net": state dict}}')
    return state


def _released(tensors: dict[str, Tensor], path: Path, backbone: str | None) -> TTVOS:
    if backbone is None:
        text = f"{path}: a released file does not say its backbone: pass"
        known = f"one of {', '.join(BACKBONES)}"
        raise UserError(f"{text} backbone=, {known}", on_command_line=f"{text} --backbone, {known}")
    try:
        return load_released(tensors, backbone)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _own(
    tensors: dict[str, Tensor], facts: dict[str, Any], path: Path, backbone: str | None
) -> TTVOS:
    if facts.get("format") != FORMAT:
        found = facts.get("format", "no format")
        raise UserError(f"{path}: not a TTVOS checkpoint ({found}, expected {FORMAT})")
    if facts.get("backbone") not in BACKBONES:
        raise UserError(f"{path}: unknown backbone {facts.get('backbone')!r}")
    if backbone is not None:
        _check_backbone(facts["backbone"], backbone, path)
    variant = build(Variant, facts.get("variant"), f"{path}: variant")
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
        raise UserError(f"{path}: its variant {name} has other parts than variants.tsv gives it")
