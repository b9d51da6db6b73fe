"""Compiling ahead of time, once for real; the cache with a small module."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn

import ttvos
from ttvos.core.errors import UserError
from ttvos.engine import compiled


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TTVOS_CACHE", str(tmp_path))
    return tmp_path / "compiled"


def small(bias: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    module = nn.Linear(4, 4).eval().requires_grad_(False)
    module.bias += bias
    return module


@pytest.mark.slow
def test_a_compiled_tracker_gives_the_same_masks_and_is_kept(shipped, pair_clip, cache):
    frames, mask = pair_clip
    plain = ttvos.track(shipped, frames, mask, precision="float32")
    first = ttvos.track(shipped, frames, mask, precision="float32", compile="on")
    (kept,) = cache.iterdir()
    stamp = kept.stat().st_mtime_ns
    again = ttvos.track(shipped, frames, mask, precision="float32", compile="auto")
    assert kept.stat().st_mtime_ns == stamp
    for track in (first, again):
        assert np.abs(plain.foreground - track.foreground).max() < 1e-4
        assert np.abs(plain.update_weights - track.update_weights).max() < 1e-5
        assert (plain.masks == track.masks).mean() > 0.999
    assert np.array_equal(first.masks, again.masks)


def test_the_file_depends_on_weights_inputs_and_threads(monkeypatch):
    x = torch.zeros(2, 4)
    path = compiled.package_path(small(), "linear", [x])
    assert path == compiled.package_path(small(), "linear", [x])
    others = {
        compiled.package_path(small(bias=1.0), "linear", [x]),
        compiled.package_path(small(), "other", [x]),
        compiled.package_path(small(), "linear", [x.double()]),
        compiled.package_path(small(), "linear", [torch.zeros(3, 4)]),
    }
    monkeypatch.setattr("torch.get_num_threads", lambda: 77)
    others.add(compiled.package_path(small(), "linear", [x]))
    assert len(others | {path}) == 6


def test_a_damaged_file_is_ignored_and_said(tmp_path):
    path = tmp_path / "damaged.pt2"
    path.write_bytes(b"not a package")
    with pytest.warns(UserWarning, match="not usable"):
        assert compiled.load_compiled(path) is None


def test_nothing_kept_means_none(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compiled.load_compiled(tmp_path / "absent.pt2") is None


def test_what_cannot_be_compiled_is_one_line(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("g++ not found\nlong story")

    monkeypatch.setattr("torch._inductor.aoti_compile_and_package", fails)
    path = tmp_path / "step.pt2"
    with pytest.raises(UserError, match=r"g\+\+ not found\); is there a C\+\+ compiler") as caught:
        compiled.compile_step(small(), [torch.zeros(2, 4)], path)
    assert "\n" not in str(caught.value)
    assert not path.exists()


def test_automatic_does_not_compile(exp8, clip, cache):
    ttvos.track(exp8, *clip, compile="auto")
    assert not cache.exists()


def test_inputs_are_brought_into_the_layout_that_was_compiled_for():
    seen = []
    call = compiled.with_layout_of([torch.zeros(1, 2, 3, 4)], lambda x: seen.append(x))
    given = torch.randn(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
    call(given)
    assert seen[0].stride() == (24, 12, 4, 1)
    assert torch.equal(seen[0], given)
