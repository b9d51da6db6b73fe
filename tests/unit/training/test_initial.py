"""Experiments of one seed start equal wherever they share modules, tensor by tensor."""

import dataclasses
import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.tiny import frtm_config
from tests.unit.training.tiny import started as start
from ttvos.config.experiments import BACKBONES, Variant, load_variants
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import build_model
from ttvos.peers.frtm.training import FRTMTask
from ttvos.training.task import draw_weights
from ttvos.training.ttvos import TTVOSTask

FULL = Variant("exp8")
CHANGED = {
    "no transition loss": {"transition_loss": False},
    "no adaptive weight": {"adaptive_weight": False},
    "no long-term memory": {"long_term": False},
    "no short-term matching": {"short_term": False},
    "no clue": {"attention_clue": "none"},
}


def started(variant: Variant, backbone: str = "hrnet", seed: int = 0) -> dict[str, Tensor]:
    task = TTVOSTask(TrainConfig(stages=()), variant, backbone, seed)
    return start(task).state_dict()


@pytest.fixture(scope="module")
def experiments() -> dict[str, dict[str, Tensor]]:
    return {name: started(variant) for name, variant in load_variants().items()}


def drawn(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without what is the same for every seed: zero biases, ones, counters."""
    return {k: v for k, v in weights.items() if v.is_floating_point() and v.std(correction=0) > 0}


def shared_tensors(first: dict[str, Tensor], second: dict[str, Tensor]) -> set[str]:
    """Names of the tensors of modules that both have, with weights and biases of one shape."""
    modules = {name.rpartition(".")[0] for name in first.keys() & second.keys()}
    shapes = [{name: value.shape for name, value in weights.items()} for weights in (first, second)]
    kept = [
        module
        for module in modules
        if len({tuple(sorted(of(module, shape).items())) for shape in shapes}) == 1
    ]
    return {name for module in kept for name in of(module, shapes[0])}


def of(module: str, values: dict) -> dict:
    return {name: value for name, value in values.items() if name.rpartition(".")[0] == module}


def test_every_pair_of_experiments_starts_equal_where_it_shares_a_module(experiments):
    shared = []
    for (one, first), (two, second) in itertools.combinations(experiments.items(), 2):
        shared.append(shared_tensors(first, second))
        for name in shared[-1]:
            assert torch.equal(first[name], second[name]), (one, two, name)
    everywhere = set.intersection(*shared)
    for part in ("backbone.", "refinement.", "attention.", "heads.template."):
        assert [name for name in everywhere if name.startswith(part)], part


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_part_moves_no_other(change):
    """The network without a part, or with another in its place, beside the full one."""
    variant = dataclasses.replace(FULL, **CHANGED[change])
    full, changed = started(FULL), started(variant)
    assert full.keys() != changed.keys() or any(
        full[name].shape != changed[name].shape for name in full
    ), "the change must change the network"
    same = shared_tensors(full, changed)
    assert len(same) > len(full) / 2
    assert all(torch.equal(full[name], changed[name]) for name in same)


def test_a_seed_decides_all_that_is_drawn():
    torch.manual_seed(1)
    first = started(FULL)
    torch.manual_seed(2)
    again = started(FULL)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    other = started(FULL, seed=1)
    assert not [name for name, value in drawn(first).items() if torch.equal(value, other[name])]


def test_no_two_modules_draw_the_same(experiments):
    by_shape: dict[torch.Size, list[Tensor]] = {}
    for name, value in drawn(experiments["exp8"]).items():
        if not name.startswith("backbone."):
            by_shape.setdefault(value.shape, []).append(value)
    pairs = [p for values in by_shape.values() for p in itertools.combinations(values, 2)]
    assert len(pairs) > 5
    assert not any(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_what_is_drawn_is_spread_as_the_network_s_own(backbone):
    """Each large tensor's standard deviation is that of a network as PyTorch and timm draw it."""
    torch.manual_seed(0)
    own, found = build_model(FULL, backbone).state_dict(), started(FULL, backbone)
    assert own.keys() == found.keys()
    for name, value in own.items():
        if value.numel() > 500:
            assert float(found[name].std()) == pytest.approx(float(value.std()), rel=0.15), name
        elif not value.is_floating_point() or (value.numel() > 1 and value.std(correction=0) == 0):
            assert torch.equal(found[name], value), name


def test_the_caller_s_random_numbers_are_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    started(FULL)
    assert torch.equal(before, torch.get_rng_state())


def test_parameters_that_nothing_draws_are_an_error():
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3))

    with pytest.raises(AssertionError, match=r"layers\.0: has parameters"):
        draw_weights(nn.ModuleDict({"layers": nn.Sequential(Odd())}), 0, {})


@pytest.mark.parametrize("backbone", ["resnet18"])
def test_both_arms_of_frtm_start_equal(tmp_path: Path, backbone: str):
    def learner(transition: bool, seed: int = 0) -> dict[str, Tensor]:
        return start(FRTMTask(frtm_config(tmp_path), backbone, transition, seed)).state_dict()

    without, with_loss, other = learner(False), learner(True), learner(False, seed=1)
    assert without.keys() < with_loss.keys()
    assert all(torch.equal(value, with_loss[name]) for name, value in without.items())
    changed = drawn({k: v for k, v in without.items() if not k.startswith("transition.")})
    assert not [name for name, value in changed.items() if torch.equal(value, other[name])]
