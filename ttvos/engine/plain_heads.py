"""The heads of the variants that `ttvos.engine.heads` does not cover: the model's own modules."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ttvos.engine.heads import Matched
from ttvos.engine.matching import from_planes, to_planes
from ttvos.model.backbones import Features
from ttvos.model.ttvos import TTVOS, State


class PlainMemory(NamedTuple):
    """`ttvos.model.ttvos.State` as tensors; template is (B, 0, 0) where the variant has none."""

    template: Tensor
    clue: Tensor
    previous_f16: Tensor
    seen: Tensor


class PlainHeads(nn.Module):
    """Experiments 1 to 4 and 7: the step of a fused model, the objects as a batch."""

    def __init__(self, model: TTVOS) -> None:
        super().__init__()
        self.model = model

    def start(self, features: Features, foreground: Tensor) -> PlainMemory:
        """As `SharedHeads.start`."""
        heatmap = _two_channels(foreground, features)
        state = self.model.start(features.expand(len(foreground)), heatmap)
        return _memory(state, torch.ones((), device=foreground.device))

    def match(self, features: Features, memory: PlainMemory) -> Matched:
        """As `SharedHeads.match`."""
        step = self.model.step(features.expand(len(memory.clue)), _state(memory))
        background, foreground = step.logits.float().unbind(dim=1)
        weight = None if step.update_weight is None else step.update_weight.float()
        margin = to_planes(foreground - background)
        return Matched(margin, weight, step.attention, step.transition, step)

    def advance(
        self, features: Features, memory: PlainMemory, matched: Matched, foreground: Tensor
    ) -> PlainMemory:
        """As `SharedHeads.advance`."""
        heatmap = _two_channels(from_planes(foreground), features)
        expanded = features.expand(len(foreground))
        state = self.model.advance(expanded, _state(memory), matched.rest, heatmap)
        return _memory(state, memory.seen + 1)


def _two_channels(foreground: Tensor, features: Features) -> Tensor:
    return torch.stack([1 - foreground, foreground], dim=1).to(features.f8.dtype)


def _memory(state: State, seen: Tensor) -> PlainMemory:
    template = state.template
    if template is None:
        template = state.clue.new_zeros(len(state.clue), 0, 0)
    return PlainMemory(template, state.clue, state.previous_f16, seen)


def _state(memory: PlainMemory) -> State:
    template = memory.template if memory.template.numel() else None
    return State(template, memory.clue, memory.previous_f16, memory.seen)
