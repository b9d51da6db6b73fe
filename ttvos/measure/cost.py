"""Parameters and multiply-accumulate operations (MACs) of a model, part by part (fvcore).

MACs are counted as in docs/facts.md, section 3: fvcore's default rules at the padded frame
size, one object, one frame. fvcore counts convolutions, matrix products, batch norms and bilinear
resizing, and leaves out element-wise operations and average poolings with a fixed window.
"""

from collections.abc import Iterable
from typing import Any

import torch
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn

from ttvos.errors import UserError
from ttvos.model.ttvos import TTVOS, Features, State, Step, build_model
from ttvos.provenance import provenance
from ttvos.variants import Variant

# Modules of TTVOS by the part of the table that they belong to.
REFINE = ("short_term", "attention", "refinement")
PARTS = {
    "backbone": ("backbone",),
    "memory": ("memory", "mask_entry"),
    "query": ("query",),
    "refine": (*REFINE, "adaptive_weight", "heads"),
}
PROTOCOL = {
    "parameters": "total and refine include the training-only heads, as the paper's #Param does; "
    "inference leaves them out; trainable: with all of the backbone but its last block frozen",
    "macs": "one object, one frame, fvcore's default rules, frame padded to multiples of 16; "
    "frame = features + query + refine + weight + update, without the training-only heads; "
    "weight: the adaptive weight's layers, at most 1 % of refine",
    "two_frame_clip": "the paper's #FLOPs: convolutions only of frame 0's initialisation and one "
    "tracked frame (2 features, 2 updates, 1 query, 1 refine with weight), without matrix products",
}


def cost(variant: Variant, backbone: str, height: int = 480, width: int = 854) -> dict[str, Any]:
    """Count parameters and MACs of one experiment on one backbone; all counts are integers.

    height, width: frame size in pixels, padded to multiples of 16 as the tracker does.
    Returns parameters {total, inference, trainable, backbone, memory, query, refine, heads},
    macs {frame, features, query, refine, weight, update, short_term, attention (both also in
    refine), two_frame_clip}, variant, backbone, height, width, protocol and provenance.
    A part that the variant lacks counts 0.
    Raises UserError for an unknown backbone or a size below 16 pixels.
    """
    if height < 16 or width < 16:
        raise UserError(f"frames of {width}x{height} pixels are too small; take 16 or more")
    model = build_model(variant, backbone)
    model.freeze()
    settings = {"variant": variant.name, "backbone": backbone, "height": height, "width": width}
    return {
        **settings,
        "parameters": parameters(model),
        "macs": macs(model, height, width),
        "protocol": PROTOCOL,
        "provenance": provenance(settings, precision="float32"),
    }


def parameters(model: TTVOS) -> dict[str, int]:
    """Numbers of parameters in all and by part. `trainable` is what requires a gradient now."""
    total = _size(model.parameters())
    heads = _size(model.heads.parameters())
    parts = {
        part: sum(_module_size(model, name) for name in names) for part, names in PARTS.items()
    }
    if sum(parts.values()) != total:
        raise AssertionError("a module of TTVOS belongs to no part of the cost table")
    trainable = _size(p for p in model.parameters() if p.requires_grad)
    return {
        "total": total,
        "inference": total - heads,
        "trainable": trainable,
        **parts,
        "heads": heads,
    }


def macs(model: TTVOS, height: int, width: int) -> dict[str, int]:
    """MACs of one frame by part, and of the paper's two-frame clip (see PROTOCOL)."""
    model = model.eval()
    image, heatmap = _inputs(height, width)
    with torch.no_grad():
        features = model.features(image)
        state = model.start(features, heatmap)
        step = model.step(features, state)
        traced = {
            "features": _trace(_Features(model), image),
            "start": _trace(_Start(model, features), heatmap),
            "step": _trace(_Step(model, state), *_as_tuple(features)),
            "update": _trace(_Update(model, features, state, step), heatmap),
        }
    counts = {name: analysis.total() for name, analysis in traced.items()}
    by_module = traced["step"].by_module()
    frame = {
        "features": counts["features"],
        "query": by_module["model.query"],
        "refine": sum(by_module[f"model.{name}"] for name in REFINE),
        "weight": by_module["model.adaptive_weight"],
        "update": counts["update"],
    }
    heads = by_module["model.heads.transition"] + by_module["model.heads.template"]
    if counts["step"] != frame["query"] + frame["refine"] + frame["weight"] + heads:
        raise AssertionError("a part of TTVOS's step is in no column of the cost table")
    clip = 2 * _convolutions(traced["features"]) + sum(
        _convolutions(traced[name]) for name in ("start", "step", "update")
    )
    # Table 2 counts what stands before the refinement; these two are in `refine` already.
    before = {name: by_module[f"model.{name}"] for name in ("short_term", "attention")}
    whole = {"frame": sum(frame.values()), **frame, **before, "two_frame_clip": clip - heads}
    return {name: int(count) for name, count in whole.items()}


class _Features(nn.Module):
    """The backbone on one image."""

    def __init__(self, model: TTVOS) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return _as_tuple(self.model.features(image))


class _Start(nn.Module):
    """The first template, from frame 0's features and mask."""

    def __init__(self, model: TTVOS, features: Features) -> None:
        super().__init__()
        self.model, self.features = model, features

    def forward(self, heatmap: Tensor) -> tuple[Tensor, ...]:
        return _new_tensors(self.model.start(self.features, heatmap))


class _Step(nn.Module):
    """Query, refinement, adaptive weight and heads on one frame's features."""

    def __init__(self, model: TTVOS, state: State) -> None:
        super().__init__()
        self.model, self.state = model, state

    def forward(self, f4: Tensor, f8: Tensor, f16: Tensor, *entry: Tensor) -> tuple[Tensor, ...]:
        step = self.model.step(Features(f4, f8, f16, entry), self.state)
        outputs = (
            step.logits,
            step.transition,
            step.template_logit,
            step.attention,
            step.update_weight,
        )
        return tuple(output for output in outputs if output is not None)


class _Update(nn.Module):
    """The template's update with one frame's heatmap."""

    def __init__(self, model: TTVOS, features: Features, state: State, step: Step) -> None:
        super().__init__()
        self.model, self.features, self.state, self.last = model, features, state, step

    def forward(self, heatmap: Tensor) -> tuple[Tensor, ...]:
        state = self.model.advance(self.features, self.state, self.last, heatmap)
        return _new_tensors(state, before=self.state.template)


def _trace(module: nn.Module, *inputs: Tensor) -> FlopCountAnalysis:
    analysis = FlopCountAnalysis(module, inputs)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return analysis.tracer_warnings("none")


def _convolutions(analysis: FlopCountAnalysis) -> int:
    return analysis.by_operator()["conv"]


def _inputs(height: int, width: int) -> tuple[Tensor, Tensor]:
    """An image and a heatmap of the padded size."""
    size = (-(-height // 16) * 16, -(-width // 16) * 16)
    return torch.zeros(1, 3, *size), torch.zeros(1, 2, *size)


def _as_tuple(features: Features) -> tuple[Tensor, ...]:
    return (features.f4, features.f8, features.f16, *features.entry)


def _new_tensors(state: State, before: Tensor | None = None) -> tuple[Tensor, ...]:
    """What depends on the heatmap; the tracer refuses outputs that its inputs do not reach."""
    updated = state.template is not None and state.template is not before
    return (state.template, state.clue) if updated else (state.clue,)


def _module_size(model: TTVOS, name: str) -> int:
    module = getattr(model, name)
    return 0 if module is None else _size(module.parameters())


def _size(values: Iterable[Tensor]) -> int:
    return sum(value.numel() for value in values)
