"""`ttvos site` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.unit.data.test_site_record import write_record
from ttvos.cli.main import main
from ttvos.core.files import read_json, write_json
from ttvos.core.video import read_mask, write_mask
from ttvos.records.schema import SiteCheck
from ttvos.records.store import read


@pytest.fixture(scope="module")
def scores(davis, tmp_path_factory) -> Path:
    """Scores of the truth of `one` and `two`, moved by two pixels, as masks of 2016."""
    folder = tmp_path_factory.mktemp("scores")
    truth = davis.parent / "davis16/Annotations/480p"
    for path in truth.rglob("*.png"):
        moved = np.roll(read_mask(path, 2016), 2, axis=1)
        write_mask(folder / "masks" / path.relative_to(truth), moved)
    options = ["--dataset", str(davis.parent / "davis16"), "--year", "2016"]
    out = folder / "scores.json"
    assert main(["evaluate", "--masks", str(folder / "masks"), *options, "--out", str(out)]) == 0
    return out


@pytest.fixture
def record(scores, tmp_path) -> Path:
    """What the site would have printed of these masks, but for a frame of `two`."""
    frames: dict = {"id": "stm"}
    for name, own in read_json(scores)["frames"].items():
        frames[name.removesuffix("_1")] = {
            key: [f"{value:.3f}" for value in values] for key, values in own.items()
        }
    frames["two"]["J"][1] = "0.100"
    return write_record(tmp_path / "record", frames)


def site(record: Path, *scores: str, out: Path | None = None) -> int:
    more = ["--out", str(out)] if out else []
    return main(["site", "--record", str(record), "--scores", *scores, *more])


def test_differences_are_told_and_written(scores, record, tmp_path, capsys):
    out = tmp_path / "site.json"
    assert site(record, f"stm={scores}", f"mine={scores}", out=out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("stm: 1 of 24 values differ by more than 0.001; the largest")
    assert lines[1].startswith("  two: 1 of 12 values, up to 0.")
    assert lines[2:] == ["mine: not in the site's record"]
    check = read(out, SiteCheck, sourced=True)
    assert (check.year, check.by, check.tolerance) == (2016, "frame", 0.001)
    assert [part.sequence for part in check.methods[0].differing] == ["two"]
    assert check.not_on_site == ["mine"]
    assert check.attributes == []  # db_info.yml does not have these sequences
    assert "0.100" not in out.read_text()


def test_means_by_attribute_are_of_all_methods(scores, record, tmp_path, monkeypatch):
    monkeypatch.setattr("ttvos.evaluation.site.FEWEST", 2)
    names = ("one", "two")
    listed = [{"name": name, "attributes": ["OCC"]} for name in names]
    (record / "db_info.yml").write_text(json.dumps({"sequences": listed}))
    assert site(record, f"stm={scores}", f"mine={scores}", out=tmp_path / "site.json") == 0
    found = read(tmp_path / "site.json", SiteCheck).attributes
    assert [(one.method, one.attribute, one.sequences) for one in found] == [
        ("stm", "OCC", 2),
        ("mine", "OCC", 2),
    ]
    assert found[0].jf == pytest.approx(read_json(scores)["global"]["J&F-Mean"])


def test_masks_that_could_not_be_had_are_left_out(scores, record, tmp_path, capsys):
    write_json(tmp_path / "none.json", {"missing": "no network"})
    assert site(record, f"stm={scores}", f"osvos={tmp_path / 'none.json'}") == 0
    assert "osvos" not in capsys.readouterr().out


def test_bad_scores_are_one_line(scores, record, tmp_path, refused):
    command = ["site", "--record", record, "--scores"]
    refused([*command, str(scores)], "expected NAME=FILE")
    refused([*command, f"stm={tmp_path / 'none.json'}"], "none.json: no such file")
    other = read_json(scores)
    other["provenance"]["data"]["year"] = 2017
    write_json(tmp_path / "other.json", other)
    refused([*command, f"stm={scores}", f"a={tmp_path / 'other.json'}"], "files of one year")
    del other["provenance"]
    write_json(tmp_path / "other.json", other)
    refused([*command, f"stm={tmp_path / 'other.json'}"], "files of one year")
    refused(["site", "--record", tmp_path, "--scores", f"stm={scores}"], "no record of the DAVIS")
