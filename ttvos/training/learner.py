"""The model as it learns: frozen parts fused, memory saved where asked; its weights are shared."""

import copy

import torch

from ttvos.config import TrainConfig
from ttvos.model.ttvos import TTVOS
from ttvos.training.frozen import FrozenBackbone
from ttvos.training.recompute import with_recomputed_blocks

LAYERS = {  # by TrainConfig.precision
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def learner(model: TTVOS, config: TrainConfig) -> TTVOS:
    """The model to take gradients of, for as long as nobody changes what is frozen in `model`.

    All that learns, its batch-norms' statistics included, is the very same objects in both, so
    training one trains the other. Losses and gradients are the model's, up to rounding.
    """
    view = copy.copy(model)
    # Without a dictionary of its own, the view would exchange the model's backbone.
    view._modules = dict(model._modules)
    # Re-extraction may send gradients through frozen layers; fused ones pass none on.
    is_frozen = not all(parameter.requires_grad for parameter in model.backbone.parameters())
    if is_frozen and model.mask_entry is None:
        view.backbone = FrozenBackbone(model.backbone, LAYERS[config.precision])
    if config.checkpointing:
        view.backbone = with_recomputed_blocks(view.backbone)
    return view
