"""Weights of any network: read strictly, refused in one line, written as they were."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ttvos.core.errors import UserError
from ttvos.model.state_dict import COUNTER, fill, read_facts, read_tensors, under, write_tensors


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.BatchNorm2d(4))


def same(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture
def network():
    torch.manual_seed(9)
    return small_network().eval()


def load(path, nested=None) -> nn.Module:
    network = small_network()
    fill(network, read_tensors(path, nested), f"{path}: does not fit", optional=COUNTER)
    return network


def test_safetensors(network, tmp_path):
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    assert same(load(tmp_path / "w.safetensors"), network)


def test_parallel_prefix_goes(network, tmp_path):
    torch.save(nn.DataParallel(network).state_dict(), tmp_path / "w.pth")
    assert all(name.startswith("module.") for name in torch.load(tmp_path / "w.pth"))
    assert same(load(tmp_path / "w.pth"), network)


@pytest.mark.parametrize("content", [{"net": None, "epoch": 3}, None])
def test_nested_where_it_is_nested(network, tmp_path, content):
    state = network.state_dict()
    torch.save(state if content is None else content | {"net": state}, tmp_path / "w.pth")
    assert same(load(tmp_path / "w.pth", nested="net"), network)


def test_batch_norm_counters_may_be_absent(network, tmp_path):
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "w.pth")
    assert same(load(tmp_path / "w.pth"), network)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("0.bias"), r"1 missing \(0.bias\)"),
        (lambda s: s.update(fc=torch.ones(1)), r"1 unexpected \(fc\)"),
        (
            lambda s: s.update({"0.bias": torch.ones(5)}),
            r"1 of another shape \(0.bias \(5,\), expected \(4,\)\)",
        ),
        (lambda s: s["0.bias"].fill_(float("nan")), "0.bias holds values that are not finite"),
    ],
)
def test_what_does_not_fit_is_one_line(network, tmp_path, change, message):
    state = network.state_dict()
    change(state)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(UserError, match=message) as caught:
        load(tmp_path / "w.pth")
    assert str(tmp_path / "w.pth") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_missing_names_are_cut_short(network):
    with pytest.raises(UserError, match=r"6 missing \(0.weight, 0.bias, 1.weight, \.\.\.\)"):
        fill(network, {}, "here", COUNTER)


def test_files_that_hold_no_weights(tmp_path):
    (tmp_path / "noise.pth").write_bytes(b"no weights at all")
    (tmp_path / "noise.safetensors").write_bytes(b"no weights at all")
    torch.save({"epoch": 3}, tmp_path / "none.pth")
    torch.save({"a": small_network()}, tmp_path / "code.pth")
    expected = {
        "absent.pth": "no such file",
        "noise.pth": "damaged",
        "noise.safetensors": "truncated, or not a safetensors file",
        "none.pth": "holds no state dict, nor one under 'net'",
        "code.pth": "refused, because it holds pickled code",
    }
    for name, message in expected.items():
        with pytest.raises(UserError, match=message) as caught:
            read_tensors(tmp_path / name, nested="net")
        assert "\n" not in str(caught.value)


def test_batch_norm_counters_may_be_absent_only_where_that_is_said(network):
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    with pytest.raises(UserError, match=r"1 missing \(1.num_batches_tracked\)"):
        fill(small_network(), state, "here")


def test_a_file_of_ours_says_what_it_is(network, tmp_path):
    write_tensors(network.state_dict(), tmp_path / "w.safetensors", {"format": "ttvos-x"})
    assert read_facts(tmp_path / "w.safetensors") == {"format": "ttvos-x"}
    assert same(load(tmp_path / "w.safetensors"), network)
    save_file(network.state_dict(), tmp_path / "other.safetensors", {"format": "pt"})
    assert read_facts(tmp_path / "other.safetensors") == read_facts("any.pth") == {}


def test_half_is_of_layers_alone(network, tmp_path):
    write_tensors(network.state_dict(), tmp_path / "w.safetensors", {}, half=True)
    found = read_tensors(tmp_path / "w.safetensors")
    assert found["0.weight"].dtype == torch.float16
    assert found["0.bias"].dtype == found["1.running_var"].dtype == torch.float32


def test_a_part_by_its_prefix():
    tensors = {"a.x": torch.ones(1), "b.x": torch.zeros(1)}
    assert under(tensors, "a.") == {"x": tensors["a.x"]}
