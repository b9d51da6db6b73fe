"""`ttvos publish` as a user types it."""

from tests.unit.report.publication.fake_profile import write_profile
from ttvos.cli.main import main


def test_publish(tmp_path, capsys):
    manifest = write_profile(tmp_path / "results", seeds=(0,))
    out = tmp_path / "kept" / "tiny"
    (tmp_path / "results/evaluate/flow/held.json").unlink()
    assert main(["publish", "--manifest", str(manifest), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: from 45 files, 1 missing\n"
    assert {path.name for path in out.glob("[!.]*")} == {
        *("scores.csv", "sequences.csv", "published.json")
    }


def test_publish_without_a_manifest(tmp_path, refused):
    arguments = ["publish", "--manifest", tmp_path / "none.json", "--out", tmp_path / "kept"]
    refused(arguments, "none.json: no such file")
    assert not (tmp_path / "kept").exists()
