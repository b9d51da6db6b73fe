"""What is kept of masks that methods of Table 3 published: their scores, and their archives."""

import json
from pathlib import Path

import pytest

from tests.unit.report.publication.fake_profile import FOLDER, VAL, evaluation, provenance, write
from ttvos.core.errors import UserError
from ttvos.report.inputs import load_inputs
from ttvos.report.publication.form import Score, SequenceScore, read_lines, read_published
from ttvos.report.publication.publish import publish
from ttvos.report.publication.site import site_notes
from ttvos.report.report import render

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


@pytest.fixture
def compared(manifest) -> Path:
    """The same run, whose scores of STM were compared with the site's."""
    part = {"compared": 96, "beyond": 7, "largest": 0.25, "mean": -0.0213}
    parts = [{"sequence": "goat", **part}]
    parts += [{"sequence": "camel", "compared": 0, "beyond": 0, "largest": 0.0, "mean": 0.0}]
    parts[1]["reason"] = "48 frames here, 47 on the site"
    means = {"method": "stm", "attribute": "OCC", "sequences": 5}
    means |= {"J&F-Mean": 0.6, "J-Mean": 0.55, "F-Mean": 0.65}
    check = {
        "year": 2016,
        "by": "frame",
        "tolerance": 0.001,
        "frames": "all",
        "methods": [{"method": "stm", **part, "compared": 1000, "differing": parts}],
        "not_on_site": ["crn"],
        "fewest": 5,
        "attributes": [means],
        "provenance": provenance("site", "--record", f"{FOLDER}/davis-record"),
    }
    write(manifest.parent, "site/val3.json", check)
    values = json.loads(manifest.read_text()) | {"site": {"val3": "site/val3.json"}}
    manifest.write_text(json.dumps(values))
    return manifest


def test_differences_from_the_site_and_means_by_attribute_are_kept(compared, tmp_path):
    record = publish(compared, tmp_path / "kept/masks")
    assert record["files"][-1]["name"] == "site/val3.json"
    assert "somebody" not in (tmp_path / "kept/masks/site.json").read_text()
    (one,) = read_published(tmp_path / "kept")
    check = one.site["val3"]
    assert [part.sequence for part in check.methods[0].differing] == ["goat", "camel"]
    assert check.provenance.command == ["ttvos", "site", "--record", "davis-record"]
    (line,) = one.attributes
    assert (line.row, line.label, line.attribute, line.sequences) == ("stm", "STM", "OCC", 5)
    assert (line.dataset, line.jf, line.j_mean, line.f_mean) == ("val3", 60, 55, 65)
    assert site_notes(one) == [
        "J and F of each frame against those that the DAVIS site printed (1,000 values): all are "
        "within 0.001 for 0 of 1 methods.",
        "STM, goat: 7 of 96 values differ from the site's, by up to 0.250; J&F by -2.1 points.",
        "STM, camel: 48 frames here, 47 on the site.",
        "Not in the DAVIS site's record: crn.",
    ]


def test_without_the_site_nothing_of_it_is_kept(manifest, tmp_path):
    publish(manifest, tmp_path / "kept/masks")
    names = {path.name for path in (tmp_path / "kept/masks").glob("[!.]*")}
    assert names == {"scores.csv", "sequences.csv", "published.json"}
    (one,) = read_published(tmp_path / "kept")
    assert (one.site, one.attributes, site_notes(one)) == ({}, (), [])


def test_a_comparison_that_is_not_there_yet_is_missing(compared, tmp_path):
    (compared.parent / "site/val3.json").unlink()
    record = publish(compared, tmp_path / "out")
    assert record["missing"] == ["published/agame/val3.json", "site/val3.json"]


def test_a_damaged_comparison_is_named(compared, tmp_path):
    publish(compared, tmp_path / "kept/masks")
    path = tmp_path / "kept/masks/site.json"
    path.write_text(path.read_text().replace('"tolerance"', '"tol"'))
    with pytest.raises(UserError, match=r"site.json: val3: has no 'tolerance'"):
        read_published(tmp_path / "kept")


def test_a_run_without_rows_has_its_page(manifest, tmp_path):
    out = tmp_path / "report"
    render(load_inputs(manifest), out)
    table = (out / "table3.md").read_text()
    (stm,) = [line for line in table.splitlines() if line.startswith("| STM ")]
    assert "80.0" in stm
    assert (out / "index.html").stat().st_size > 10_000
