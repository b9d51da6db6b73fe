"""A checkpoint of a training that still runs."""

import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training.tiny import EXP8, Interrupted, run, tiny_config
from ttvos.config.experiments import find_variant
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.training.state import snapshot


@pytest.mark.parametrize("average", [None, 0.9])
def test_holds_what_the_training_would_give_now(tiny_davis, tmp_path, stop_at, average):
    config = tiny_config(tiny_davis, (2,), average=average)
    whole = run(config, tmp_path / "whole")
    stop_at(2)
    with pytest.raises(Interrupted):
        run(tiny_config(tiny_davis, (2, 2), average=average), tmp_path / "half")
    snapshot(tmp_path / "half/state.pt", EXP8, "hrnet", tmp_path / "now.safetensors")
    now = load_file(tmp_path / "now.safetensors")
    assert all(torch.equal(now[name], whole[name]) for name in now | whole)
    facts = checkpoint.metadata(tmp_path / "now.safetensors")["provenance"]
    assert (facts["training"]["stage"], facts["training"]["step"]) == (1, 0)


def test_trouble_is_one_clear_line(tiny_davis, tmp_path, stop_at):
    with pytest.raises(UserError, match="no such file"):
        snapshot(tmp_path / "state.pt", EXP8, "hrnet", tmp_path / "x.safetensors")
    (tmp_path / "state.pt").write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged, or no training state"):
        snapshot(tmp_path / "state.pt", EXP8, "hrnet", tmp_path / "x.safetensors")
    stop_at(1)
    with pytest.raises(Interrupted):
        run(tiny_config(tiny_davis, (2,)), tmp_path / "half")
    with pytest.raises(UserError, match="does not fit exp1"):
        snapshot(tmp_path / "half/state.pt", find_variant("exp1"), "hrnet", tmp_path / "x")
