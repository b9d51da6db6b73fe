"""What is kept of masks that methods of Table 3 published: their scores, and their archives."""

import json
from pathlib import Path

import pytest

from tests.unit.report.publication.fake_profile import FOLDER, VAL, evaluation, provenance, write
from ttvos.report.publication.form import Score, SequenceScore, read_lines, read_published
from ttvos.report.publication.publish import publish

REASON = f"agame 2016: {FOLDER}/downloads/agame.zip: damaged or not readable"
ORIGIN = {
    "method": "STM",
    "year": 2016,
    "from": f"{FOLDER}/downloads/published-masks/2016/stm.zip",
    "archive": "stm.zip",
    "dated": "2019-08-07",
    "checksum": "sha256:00ff",
    "provenance": {"time": "2026-01-02T03:04:05+00:00"},
}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A run without rows: STM's masks were scored, A-GAME's could not be had."""
    folder, names = tmp_path / "results", ("stm", "agame")
    files = {name: f"published/{name}/val3.json" for name in names}
    scored = evaluation(0.8, VAL, "val")
    scored["provenance"]["masks_origin"] = ORIGIN
    write(folder, files["stm"], scored)
    write(folder, files["agame"], {"missing": REASON, "provenance": provenance("evaluate")})
    labels = dict(zip(names, ("STM", "A-GAME"), strict=True))
    entries = [
        {"name": name, "method": labels[name], "evaluate": {"val3": files[name]}} for name in names
    ]
    values = {"profile": "masks", "title": "Masks", "caution": "Made up.", "rows": []}
    values |= {"datasets": {"val3": {"root": FOLDER, "year": 2016}}, "published": entries}
    return write(folder, "manifest.json", values)


def test_their_lines_are_of_a_kind_of_their_own(manifest, tmp_path):
    publish(manifest, tmp_path / "kept/masks")
    (line,) = read_lines(Score, tmp_path / "kept/masks/scores.csv")
    assert (line.row, line.kind, line.label, line.seed) == ("stm", "published", "STM", None)
    assert line.jf == pytest.approx(80)
    parts = read_lines(SequenceScore, tmp_path / "kept/masks/sequences.csv")
    assert [part.sequence for part in parts] == list(VAL)
    assert read_published(tmp_path / "kept")[0].title == "Masks"


def test_the_record_names_the_archives_and_those_that_are_not_there(manifest, tmp_path):
    record = publish(manifest, tmp_path / "out")
    assert record["archives"] == [
        {
            "row": "stm",
            "dataset": "val3",
            "archive": "stm.zip",
            "from": "stm.zip",
            "checksum": "sha256:00ff",
            "dated": "2019-08-07",
            "fetched": "2026-01-02T03:04:05+00:00",
        }
    ]
    reason = "agame 2016: agame.zip: damaged or not readable"
    assert record["not_scored"] == {"agame": {"val3": reason}}
    assert record["missing"] == ["published/agame/val3.json"]
    assert record["without_masks"] == ["FRTM-VOS", "GC"]
    text = (tmp_path / "out/published.json").read_text()
    assert "somebody" not in text
    assert json.loads(text) == record


def test_an_address_stays_whole(manifest, tmp_path):
    path = manifest.parent / "published/stm/val3.json"
    values = json.loads(path.read_text())
    values["provenance"]["masks_origin"]["from"] = "https://davischallenge.org/results/2016/stm.zip"
    path.write_text(json.dumps(values))
    (archive,) = publish(manifest, tmp_path / "out")["archives"]
    assert archive["from"] == "https://davischallenge.org/results/2016/stm.zip"
