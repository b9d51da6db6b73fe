"""TTVOS: a state per object, and one readable step from frame to heatmap.

Facts: docs/facts.md, section 2.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ttvos.core.variant import Variant
from ttvos.model.backbones import Backbone, Features, build_backbone
from ttvos.model.blocks import coordinates, halve, to_eighth
from ttvos.model.matching import (
    LongTermQuery,
    LongTermTemplate,
    MaskEntry,
    NoLongTerm,
    NoShortTerm,
    ShortTermMatching,
)
from ttvos.model.refinement import AdaptiveWeight, AttentionMap, Refinement, TrainingHeads


@dataclass(frozen=True)
class State:
    """What is carried from frame to frame; its size does not depend on the clip's length.

    template: long-term template (B, C8, C8), None where the variant has none.
    clue: the last heatmaps at 1/8, newest first, (B, 6, h, w); (B, 2, h, w) without the clue.
    previous_f16: (B, C16, h/2, w/2). seen: frames whose masks the template holds.
    """

    template: Tensor | None
    clue: Tensor
    previous_f16: Tensor
    seen: int


@dataclass(frozen=True)
class Step:
    """One frame's outputs, before its heatmap is fed back.

    logits (B, 2, H, W): log-odds-like heatmap; softmax over the two channels gives the heatmap.
    transition (B, 2, H/8, W/8): raw transition map, None where the variant has no such loss.
    template_logit (B, 1, H/8, W/8): raw template head.
    attention (B, c+2, H/8, W/8): A_t. update_weight (B,): w_t in (0, 1), None if not adaptive.
    """

    logits: Tensor
    transition: Tensor | None
    template_logit: Tensor
    attention: Tensor
    update_weight: Tensor | None


class TTVOS(nn.Module):
    """The network of one experiment (`variant`) on one backbone."""

    def __init__(self, variant: Variant, backbone_name: str) -> None:
        super().__init__()
        self.variant, self.backbone_name = variant, backbone_name
        self._is_frozen = False
        self.backbone: Backbone = build_backbone(backbone_name)
        c4, c8, c16 = self.backbone.channels
        c = min(128, c4)
        clue = 6 if variant.attention_clue == "full" else 2
        coords = 3 if variant.attention_clue == "full" else 0
        reextracts = variant.attention_clue == "reextract"
        clued = c8 + coords + clue
        self.memory = (
            LongTermTemplate(c8 if reextracts else clued, c8) if variant.long_term else None
        )
        self.query = LongTermQuery(clued, c8) if variant.long_term else NoLongTerm(clued, c8)
        short_term = ShortTermMatching if variant.short_term else NoShortTerm
        self.short_term = short_term(clue, c16, c)
        self.attention = AttentionMap(c8, c)
        weighs = variant.long_term and variant.adaptive_weight and variant.update_template
        self.adaptive_weight = AdaptiveWeight(c) if weighs else None
        self.refinement = Refinement(c4, c)
        self.heads = TrainingHeads(c8, c, variant.transition_loss)
        self.mask_entry = MaskEntry(self.backbone.entry_channels) if reextracts else None

    def features(self, images: Tensor) -> Features:
        """ImageNet-normalised RGB (N, 3, H, W), H and W multiples of 16 -> Features."""
        return self.backbone(images)

    def start(self, features: Features, heatmap: Tensor) -> State:
        """State after frame 0. heatmap (B, 2, H, W): one-hot of the given mask."""
        newest = to_eighth(heatmap)
        if self.variant.attention_clue == "full":
            clue = torch.cat([newest, torch.zeros_like(newest), torch.zeros_like(newest)], dim=1)
        else:
            clue = newest
        template = self._embed(features, heatmap, clue)
        return State(template, clue, features.f16, seen=1)

    def step(self, features: Features, state: State) -> Step:
        """Segment one frame with the state of the frames before it."""
        s_st = self.short_term(halve(state.clue), state.previous_f16, features.f16)
        clued = self._with_clue(features.f8, state.clue)
        s_lt = self.query(clued, state.template) if self.memory else self.query(clued)
        attention, short_term8 = self.attention(s_lt, s_st)
        logits, r8 = self.refinement(attention, short_term8, features.f4)
        return Step(
            logits,
            self.heads.transition(r8) if self.heads.transition else None,
            self.heads.template(s_lt),
            attention,
            self.adaptive_weight(attention) if self.adaptive_weight else None,
        )

    def advance(self, features: Features, state: State, step: Step, heatmap: Tensor) -> State:
        """State after this frame. heatmap (B, 2, H, W): its probabilities, as fed back."""
        newest = to_eighth(heatmap)
        clue = newest
        if self.variant.attention_clue == "full":
            clue = torch.cat([newest, state.clue[:, :4]], dim=1)
        template = state.template
        if self.memory and self.variant.update_template:
            weight = self._new_share(step, state.seen)
            template = template * (1 - weight) + self._embed(features, heatmap, clue) * weight
        return replace(
            state, template=template, clue=clue, previous_f16=features.f16, seen=state.seen + 1
        )

    def _new_share(self, step: Step, seen: int) -> Tensor | float:
        """Share of the new frame in the template: w/(1+w), or 1/t where the weight only decays.

        t counts the frames up to this one, the given first frame being t = 1 (as GC's mean).
        """
        if step.update_weight is None:
            return 1 / (seen + 1)
        weight = step.update_weight.view(-1, 1, 1)
        return weight / (1 + weight)

    def _embed(self, features: Features, heatmap: Tensor, clue: Tensor) -> Tensor | None:
        """I_c of one frame, from its features and a clue that holds its own heatmap."""
        if not self.memory:
            return None
        if self.mask_entry is None:
            return self.memory(self._with_clue(features.f8, clue))
        first, *rest = features.entry
        marked = first + self.mask_entry(halve(halve(heatmap)))
        return self.memory(self.backbone.reextract((marked, *rest)))

    def _with_clue(self, f8: Tensor, clue: Tensor) -> Tensor:
        if self.variant.attention_clue != "full":
            return torch.cat([f8, clue], dim=1)
        where = coordinates(*f8.shape[-2:], like=f8).expand(f8.shape[0], -1, -1, -1)
        return torch.cat([f8, where, clue], dim=1)

    def freeze(self) -> None:
        """Freeze the backbone but for its last block: no gradient, eval mode.

        Facts: docs/facts.md, section 1.
        """
        self.backbone.requires_grad_(False)
        self.backbone.trained_block().requires_grad_(True)
        self._is_frozen = True
        self.train(self.training)

    def train(self, mode: bool = True) -> "TTVOS":
        """As nn.Module.train, but a frozen part stays in eval mode (its batch-norm too)."""
        super().train(mode)
        if self._is_frozen:
            self.backbone.eval()
            self.backbone.trained_block().train(mode)
        return self


def build_model(variant: Variant, backbone: str) -> TTVOS:
    """TTVOS with random weights; UserError for an unknown backbone."""
    return TTVOS(variant, backbone)
