"""What the template's benchmark measures, on a tiny data set and the shipped weights."""

import json
from pathlib import Path

import pytest

from benchmarks.adaptive_weight import SHARES, main
from ttvos.config.experiments import load_variants
from ttvos.model import weights
from ttvos.model.ttvos import build_model


@pytest.fixture(scope="module")
def result(davis: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("out") / "adaptive.json"
    assert main(["--dataset", str(davis.parent / "davis16"), "--out", str(out)]) == 0
    return json.loads(out.read_text())


def test_every_share_is_tracked_and_scored(result):
    assert list(result["shares"]) == list(SHARES)
    for found in result["shares"].values():
        assert 0 <= found["jf"] <= 100
        assert 0 < found["weight_low"] <= found["weight"] <= found["weight_high"] < 1
        assert 0 <= found["entropy"] <= 1
        assert 0 <= found["distance"] <= 1


def test_the_first_template_that_is_kept_is_further_from_new_ones_than_the_newest(result):
    assert result["shares"]["none"]["distance"] > result["shares"]["all"]["distance"] > 0


def test_the_weight_is_set_beside_the_size_of_each_object(result):
    sizes = result["sizes"]
    assert sizes["first weights, all objects"]["n"] == 2
    assert {name for name in sizes if name.startswith("within")} == {"within one_1", "within two_1"}
    assert all(found["n"] == 7 for name, found in sizes.items() if name.startswith("within"))


def test_no_folder_of_this_machine_is_kept(result, davis):
    assert str(davis.parent.parent) not in json.dumps(result["provenance"])


def test_a_model_without_the_weight_is_one_clear_line(davis, tmp_path, capsys):
    checkpoint = tmp_path / "exp6.safetensors"
    weights.save(build_model(load_variants()["exp6"], "hrnet"), checkpoint, {})
    words = ["--checkpoint", str(checkpoint), "--dataset", str(davis.parent / "davis16")]
    assert main([*words, "--out", str(tmp_path / "out.json")]) == 1
    assert "exp6 has no adaptive weight" in capsys.readouterr().err
