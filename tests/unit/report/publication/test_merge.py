"""Parts of one measurement, scored in different places, become one; what differs is refused."""

import json
import shutil
from pathlib import Path

import pytest

from tests.unit.report.publication import fake_profile
from tests.unit.report.publication.fake_profile import VAL, write_profile
from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.data.davis import VAL_2016
from ttvos.report.kept import load_kept
from ttvos.report.publication.form import read_folder, read_published
from ttvos.report.publication.merge import merge
from ttvos.report.publication.publish import publish

ROW = "exp8-hrnet"
REST = ("bear", "bus")


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Path:
    """One model, scored on three sequences of val and on train ("here"), and on two ("there")."""
    folder = tmp_path_factory.mktemp("places")
    publish(write_profile(folder / "run-here", (ROW,)), folder / "here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake_profile, "DATASETS", {"val3": REST})
        patch.setattr(fake_profile, "score", lambda row, seed, _: 0.5 + 0.1 * seed)
        manifest = write_profile(folder / "run-there", (ROW,))
    publish(manifest, folder / "there")
    return folder


@pytest.fixture
def copies(places, tmp_path):
    """Private copies of both; change(name, key, function) rewrites a part of a record."""
    for name in ("here", "there"):
        shutil.copytree(places / name, tmp_path / name)

    def change(name: str, function) -> None:
        path = tmp_path / name / "published.json"
        values = json.loads(path.read_text())
        function(values)
        path.write_text(json.dumps(values))

    change.folder = tmp_path
    return change


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        merge([folder / "here", folder / "there"], folder / "out")
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)
    assert not (folder / "out").exists()


def test_a_row_is_the_mean_over_all_objects(places, tmp_path):
    record = merge([places / "here", places / "there"], tmp_path / "whole")
    (whole,) = read_published(tmp_path)
    assert [(s.row, s.seed) for s in whole.scores if s.kind == "model"] == [(ROW, 0), (ROW, 1)]
    first, second = whole.scores[:2]
    here, there = (read_folder(places / name).scores[0] for name in ("here", "there"))
    assert (first.sequences, first.objects, first.dataset) == (5, 5, "davis2016-val")
    assert first.jf == pytest.approx((3 * here.jf + 2 * there.jf) / 5)
    assert second.jf == pytest.approx((3 * 75.0 + 2 * 60.0) / 5)
    for key in ("j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay"):
        parts = 3 * getattr(here, key) + 2 * getattr(there, key)
        assert getattr(first, key) == pytest.approx(parts / 5)
    assert record["datasets"]["davis2016-val"]["sequences"] == sorted([*VAL, *REST])
    assert record["datasets"]["davis2016-val"]["label"] == "5 of DAVIS-2016 val"
    assert record["merged"] == ["here", "there"]


def test_each_sequence_keeps_its_scores(places, tmp_path):
    merge([places / "here", places / "there"], tmp_path / "whole")
    found = read_folder(tmp_path / "whole").sequences
    assert [s.sequence for s in found if (s.row, s.seed) == (ROW, 0)] == sorted([*VAL, *REST])
    before = {s.sequence: s.jf for s in read_folder(places / "there").sequences if s.row == "still"}
    assert {s.sequence: s.jf for s in found if s.row == "still"}.items() >= before.items()


def test_references_merge_and_other_masks_do_not(places, tmp_path):
    merge([places / "here", places / "there"], tmp_path / "whole")
    rows = {s.row for s in read_folder(tmp_path / "whole").scores}
    assert rows == {ROW, "still", "flow"}


def test_the_record_says_where_every_part_is_from(places, tmp_path):
    record = merge([places / "here", places / "there"], tmp_path / "whole")
    names = [file["name"] for file in record["files"]]
    assert names.count(f"evaluate/{ROW}-s0/val3.json") == 2
    assert [t["checkpoint_sha256"] for t in record["trainings"]] == [f"{ROW}-0", f"{ROW}-1"]
    assert [(t["dataset"], t["checkpoint"]) for t in record["tracked"]] == [
        ("davis2016-val", f"{ROW}-0"),
        ("davis2016-val", f"{ROW}-1"),
    ]
    assert record["caution"] == "Made up & meaning nothing."


def test_what_was_merged_can_be_merged_again(places, copies):
    merge([places / "here", places / "there"], copies.folder / "whole")
    with pytest.raises(UserError, match=r"bear, bus: scored in .*whole"):
        merge([copies.folder / "whole", copies.folder / "there"], copies.folder / "again")


def test_other_weights_are_refused(copies):
    copies("there", lambda values: values["tracked"][0].update(checkpoint="0" * 64))
    refused(copies.folder, f"there: {ROW} on val3: other weights than here: {ROW} on val3")


@pytest.mark.parametrize("key", ["single_object", "precision"])
def test_other_settings_of_tracking_are_refused(copies, key):
    copies("there", lambda values: values["tracked"][0]["tracker"].update({key: "other"}))
    refused(copies.folder, f"other {key} than")


def test_another_evaluator_is_refused(copies):
    copies("there", lambda values: values["datasets"]["val3"].update(evaluator="official"))
    refused(copies.folder, "other evaluator than")


def test_common_sequences_are_refused(places, copies):
    shutil.rmtree(copies.folder / "there")
    shutil.copytree(places / "here", copies.folder / "there")
    refused(copies.folder, "hockey, swing: scored in here")


def test_another_claim_is_refused(copies):
    copies("there", lambda values: values.update(comparable={"accuracy": True}))
    refused(copies.folder, "here, there: not all of their runs claim to be the paper's")


def test_reasons_of_parts_are_no_reason_of_the_whole(places, copies):
    copies("there", lambda values: values["comparable"].update(reason="on two sequences"))
    record = merge([places / "here", copies.folder / "there"], copies.folder / "whole")
    assert record["comparable"] == {"accuracy": False, "speed": False, "reason": ""}


def test_a_folder_that_does_not_say_its_weights_is_refused(copies):
    copies("here", lambda values: values.pop("tracked"))
    refused(copies.folder, f"here: {ROW} on val3: the folder does not say with which weights")


def test_another_split_or_scale_is_nothing_to_merge(copies):
    copies("there", lambda values: values["datasets"]["val3"].update(input_scale=0.5))
    refused(copies.folder, "here, there: no row was scored on sequences of one split in all")


def test_one_folder_alone_is_nothing_to_merge(places, tmp_path):
    with pytest.raises(UserError, match="here: no row was scored"):
        merge([places / "here"], tmp_path / "out")


def test_nothing_is_merged_from_a_tree_with_changes(copies, monkeypatch):
    monkeypatch.setattr("ttvos.report.publication.publish.git_commit", lambda: "abc+changes")
    refused(copies.folder, "not published: no commit of this project here")


def test_the_command_says_what_it_made(places, tmp_path, capsys):
    folders = [str(places / "here"), str(places / "there")]
    assert main(["publish", "--merge", *folders, "--out", str(tmp_path / "whole")]) in (0, None)
    assert "5 of DAVIS-2016 val; from here, there" in capsys.readouterr().out


def test_all_of_the_validation_set_is_called_all(tmp_path, monkeypatch):
    """Eight sequences in one place and the twelve others in another give a number on all twenty."""
    for name, part in (("eight", VAL_2016[:8]), ("twelve", VAL_2016[8:])):
        monkeypatch.setattr(fake_profile, "DATASETS", {"val3": part})
        publish(write_profile(tmp_path / f"run-{name}", (ROW,), (0,)), tmp_path / name)
    merge([tmp_path / "eight", tmp_path / "twelve"], tmp_path / "kept/whole")
    (scores, *_) = [s for s in load_kept(tmp_path / "kept").scores() if s.is_trained]
    assert (scores.row.dataset_label, scores.row.sequences) == ("all of DAVIS-2016 val", 20)
    assert scores.obstacle == "not trained as in the paper"  # and no longer a part of the set
