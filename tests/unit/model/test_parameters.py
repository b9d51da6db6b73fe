"""Parameter counts against docs/facts.md, section 3, and what of each variant learns."""

import pytest
import torch
from torch import nn

from tests.facts import FACTS, table
from ttvos.config.experiments import BACKBONES, Variant, find_variant, load_variants
from ttvos.core.errors import UserError
from ttvos.model.ttvos import TTVOS, build_model

COUNTS = table(FACTS, "3", "total", "trainable")
VARIANTS = sorted(load_variants())


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def one_training_step(model: TTVOS, frames: int = 4) -> None:
    """Backward through a short random clip that uses every output of the model."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2 * frames, 3, 32, 48, generator=generator)
    mask = (torch.rand(2, 1, 32, 48, generator=generator) > 0.5).float()
    features = model.features(images)
    state = model.start(features.select(slice(0, 2)), torch.cat([1 - mask, mask], dim=1))
    loss = torch.zeros(())
    for t in range(1, frames):
        now = features.select(slice(2 * t, 2 * t + 2))
        step = model.step(now, state)
        loss = loss + (step.logits * torch.randn(step.logits.shape, generator=generator)).sum()
        loss = loss + step.template_logit.square().sum()
        if step.transition is not None:
            loss = loss + step.transition.square().sum()
        state = model.advance(now, state, step, step.logits.softmax(dim=1))
    loss.backward()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_counts_equal_the_released_codes(backbone):
    model = build_model(find_variant("exp8"), backbone)
    model.freeze()
    stated = {part: int(number) for part, number in list(COUNTS[backbone].items())[1:]}
    assert stated == {
        "total": count(model),
        "backbone's": count(model.backbone),
        "memory": count(model.memory),
        "query": count(model.query),
        "refinement": count(model) - sum(map(count, (model.backbone, model.memory, model.query))),
        "heads": count(model.heads),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }


def test_every_backbone_of_the_configuration_has_counts():
    assert set(COUNTS) == set(BACKBONES)


@pytest.mark.parametrize("name", VARIANTS)
def test_what_learns_gets_a_gradient_and_what_is_frozen_stays(name):
    torch.manual_seed(0)
    model = build_model(find_variant(name), "hrnet")
    model.freeze()
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    one_training_step(model)
    for key, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, key
            assert parameter.grad.abs().sum() > 0, key
        else:
            assert parameter.grad is None, key
    learning = {f"backbone.{k}" for k in _names(model.backbone, model.backbone.trained_block())}
    for key, value in model.state_dict().items():
        is_statistic = "running_" in key or "num_batches" in key
        if is_statistic and key.startswith("backbone.") and key not in learning:
            assert torch.equal(value, before[key]), key
    moved = [
        k
        for k in learning
        if "running_mean" in k and not torch.equal(model.state_dict()[k], before[k])
    ]
    assert moved, "the trained block's batch-norm must train"


@pytest.mark.parametrize("backbone", BACKBONES)
def test_gradients_on_every_backbone(backbone):
    torch.manual_seed(0)
    model = build_model(find_variant("exp8"), backbone)
    model.freeze()
    model.train()
    one_training_step(model)
    without = [k for k, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert not without
    assert not [
        k for k, p in model.named_parameters() if not p.requires_grad and p.grad is not None
    ]


def _names(whole: nn.Module, part: nn.Module) -> list[str]:
    inside = {id(module) for module in part.modules()}
    return [
        f"{prefix}.{key}"
        for prefix, module in whole.named_modules()
        if id(module) in inside
        for key, _ in [
            *module.named_parameters(recurse=False),
            *module.named_buffers(recurse=False),
        ]
    ]


# What a flag of experiments.tsv may change: modules by the first part of their names.
PARTS_OF_FLAG = {
    "short_term": {"short_term"},
    "long_term": {"memory", "query", "adaptive_weight"},
    "adaptive_weight": {"adaptive_weight"},
    "update_template": {"adaptive_weight"},
    "transition_loss": {"heads.transition"},
    "attention_clue": {"memory", "query", "short_term", "mask_entry"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_variants_differ_only_in_what_their_row_says(name):
    full, variant = find_variant("exp8"), find_variant(name)
    flags = [flag for flag in PARTS_OF_FLAG if getattr(full, flag) != getattr(variant, flag)]
    allowed = set().union(*(PARTS_OF_FLAG[flag] for flag in flags))
    shapes = [
        {key: tuple(value.shape) for key, value in build_model(v, "hrnet").state_dict().items()}
        for v in (full, variant)
    ]
    changed = {
        k for k in shapes[0].keys() | shapes[1].keys() if shapes[0].get(k) != shapes[1].get(k)
    }
    strange = [key for key in changed if not any(key.startswith(part) for part in allowed)]
    assert not strange
    if flags:
        assert changed or set(flags) <= {"update_template", "adaptive_weight"}


def test_replacements_cost_about_what_they_replace():
    full = build_model(find_variant("exp4"), "hrnet")
    no_long_term = build_model(find_variant("exp1"), "hrnet")
    no_short_term = build_model(find_variant("exp2"), "hrnet")
    assert count(no_long_term.query) == pytest.approx(count(full.query), rel=0.05)
    assert count(no_short_term.short_term) == pytest.approx(count(full.short_term), rel=0.05)


def test_unknown_names_are_errors():
    with pytest.raises(UserError, match="unknown variant 'exp9'"):
        find_variant("exp9")
    with pytest.raises(UserError, match="unknown backbone 'vgg'"):
        build_model(Variant("exp8"), "vgg")
