"""Parameters and multiply-accumulates (MACs) of TTVOS, by the parts of the paper's tables.

MACs are those of convolutions and matrix products at the padded frame size, one object, one frame,
counted by `ttvos.measure.macs` as those of every other tracker are. docs/facts.md, section 3, has
them by fvcore, which adds batch norms (2 a number) and bilinear resizing (4 a number) in the
backbone: 0.2 % to 3 % more for the features, nothing more elsewhere.
"""

import copy

import torch
from torch import Tensor

from ttvos.config.experiments import Variant
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.measure.macs import OTHER, Parts, count_macs, count_parameters
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.records.schema import RowCost
from ttvos.tracking.readable import PADDING

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
    "macs": "convolutions and matrix products only (PyTorch's FLOP counter, halved), as for every "
    "tracker; one object, one frame, padded to multiples of 16; "
    "frame = features + query + refine + weight + update, without the training-only heads; "
    "weight: the adaptive weight's layers, at most 1 % of refine",
    "two_frame_clip": "the paper's #FLOPs: convolutions only of frame 0's initialisation and one "
    "tracked frame (2 features, 2 updates, 1 query, 1 refine with weight), without matrix products",
}


def cost(variant: Variant, backbone: str, height: int = 480, width: int = 854) -> RowCost:
    """Count parameters and MACs of one experiment on one backbone; all counts are integers.

    height, width: frame size in pixels, padded to multiples of 16 as the tracker does.
    Returns parameters {total, inference, trainable, backbone, memory, query, refine, heads},
    macs {frame, features, query, refine, weight, update, short_term, attention (both also in
    refine), two_frame_clip}, variant, backbone, height, width, protocol and provenance.
    A part that the variant lacks counts 0.
    Raises UserError for an unknown backbone or a size below 16 pixels.
    """
    if height < 16 or width < 16:
        raise UserError(f"frames of {height}x{width} pixels are too small; take 16 or more")
    model = build_model(variant, backbone)
    model.freeze()
    settings = {"variant": variant.name, "backbone": backbone, "height": height, "width": width}
    return RowCost(
        **settings,
        parameters=parameters(model),
        macs=macs(model, height, width),
        protocol=PROTOCOL,
        provenance=provenance(settings, precision="float32"),
    )


def parameters(model: TTVOS) -> dict[str, int]:
    """Numbers of parameters in all and by part. `trainable` is what requires a gradient now."""
    found = count_parameters(_modules(model, PARTS), [model])
    if found[OTHER]:
        raise AssertionError("a module of TTVOS belongs to no part of the cost table")
    heads = sum(p.numel() for p in model.heads.parameters())
    return {
        "total": found["total"],
        "inference": found["total"] - heads,
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
        **found["parts"],
        "heads": heads,
    }


def macs(model: TTVOS, height: int, width: int) -> dict[str, int]:
    """MACs of one frame by part, and of the paper's two-frame clip (see PROTOCOL).

    Counted from the shapes alone: nothing is computed, and the model is left as it is.
    """
    model = copy.deepcopy(model).eval().to("meta")
    image, heatmap = _inputs(height, width)
    parts = _modules(model, {name: (name,) for name in ("query", *REFINE, "adaptive_weight")})
    parts["heads"] = tuple(model.heads.children())  # each is called by itself
    with torch.no_grad():
        with count_macs() as features:
            seen = model.features(image)
        with count_macs() as start:
            state = model.start(seen, heatmap)
        with count_macs(parts) as step:
            found = model.step(seen, state)
        with count_macs() as update:
            model.advance(seen, state, found, heatmap)
    if step.parts[OTHER]:
        raise AssertionError("a part of TTVOS's step is in no column of the cost table")
    frame = {
        "features": features.total,
        "query": step.parts["query"],
        "refine": sum(step.parts[name] for name in REFINE),
        "weight": step.parts["adaptive_weight"],
        "update": update.total,
    }
    # Table 2 counts what stands before the refinement; these two are in `refine` already.
    before = {name: step.parts[name] for name in ("short_term", "attention")}
    # The heads are convolutions.
    clip = 2 * features.convolutions - step.parts["heads"]
    clip += sum(counted.convolutions for counted in (start, step, update))
    return {"frame": sum(frame.values()), **frame, **before, "two_frame_clip": clip}


def _inputs(height: int, width: int) -> tuple[Tensor, Tensor]:
    """An image and a heatmap of the padded size, without content."""
    size = PADDING.padded((height, width))
    return torch.empty(1, 3, *size, device="meta"), torch.empty(1, 2, *size, device="meta")


def _modules(model: TTVOS, names: dict[str, tuple[str, ...]]) -> Parts:
    """The model's modules of those names, by part; what the variant lacks is left out."""
    return {
        part: tuple(m for name in own if (m := getattr(model, name)) is not None)
        for part, own in names.items()
    }
