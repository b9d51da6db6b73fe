"""Where a processor or build lacks the joined convolutions, plain ones take over, in one line."""

import warnings

import numpy as np
import pytest
import torch

import ttvos
from ttvos.cli.main import main
from ttvos.core.errors import UserNotice
from ttvos.engine import joined
from ttvos.engine.fuse import _is_joined

LAYERS = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def tried_anew():
    joined.joins.cache_clear()
    yield
    joined.joins.cache_clear()


def refuse(*_):
    raise RuntimeError("mkldnn_convolution: this path needs another processor")


@pytest.fixture
def lacking(monkeypatch):
    """A processor that refuses the operations."""
    monkeypatch.setattr(joined, "_alone", refuse)


def test_any_refusal_means_no(monkeypatch):
    for name in ("_alone", "_with_sum", "_onto_sum"):
        with monkeypatch.context() as patch:
            patch.setattr(joined, name, refuse)
            joined.joins.cache_clear()
            assert not joined.joins(torch.float32), name


def test_an_operation_that_is_not_there_means_no(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert not joined.joins(torch.float32)


def test_a_build_without_onednn_means_no(monkeypatch):
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    assert not joined.joins(torch.float32)


@pytest.mark.parametrize("layers", LAYERS)
def test_what_it_says_is_what_happens(layers):
    """On any processor: where it says yes all three operations run, else one raises."""
    runs = []
    for run in joined._operations():
        try:
            runs.append(run(layers).shape == (1, 16, 4, 4))
        except RuntimeError:
            runs.append(False)
    assert joined.joins(layers) == all(runs)
    assert _is_joined(torch.zeros(1, dtype=layers)) == all(runs)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_plain_convolutions_take_over_and_say_so(shipped, clip, lacking, precision):
    exact = ttvos.track(shipped, *clip, engine="reference")
    with pytest.warns(UserNotice, match=f"no joined convolutions in {precision}"):
        plain = ttvos.track(shipped, *clip, precision=precision)
    near = 1e-4 if precision == "float32" else 0.05
    assert np.abs(exact.foreground - plain.foreground).max() < near
    assert np.array_equal(exact.foreground, plain.foreground) is False


def test_nothing_is_said_where_they_are_there(shipped, clip, monkeypatch):
    monkeypatch.setattr("ttvos.engine.joined.joins", lambda layers: True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserNotice)
        ttvos.track(shipped, *clip)


def test_the_command_says_it_in_one_line(tiny_davis, tmp_path, lacking, capsys):
    arguments = ["predict", "--checkpoint", "ttvos-hrnet-davis", "--dataset", str(tiny_davis)]
    arguments += ["--year", "2017", "--only", "one", "--precision", "float16"]
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserNotice)
        warnings.showwarning = _to_stderr
        assert main([*arguments, "--out", str(tmp_path / "masks")]) == 0
    lines = [line for line in capsys.readouterr().err.splitlines() if "joined" in line]
    assert lines == [
        "ttvos: no joined convolutions in float16 on this processor: plain ones, which are slower"
    ]
    assert (tmp_path / "masks/one/00007.png").is_file()


def _to_stderr(message, category, filename, lineno, file=None, line=None):
    """As Python prints a warning; pytest would keep it."""
    import sys

    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
