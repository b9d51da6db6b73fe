"""What is published of a run: every number from its file, nothing of the machine, no mixtures."""

import csv
import json
import shutil
from itertools import product
from pathlib import Path

import pytest

from tests.unit.report.publication.fake_profile import (
    DATASETS,
    EXPERIMENTS,
    REST,
    score,
    training,
    write_profile,
)
from ttvos.core.errors import UserError
from ttvos.records.schema import Training
from ttvos.records.store import parse
from ttvos.report.publication.form import Score, SequenceScore, read_lines, read_published
from ttvos.report.publication.publish import publish
from ttvos.report.publication.runs import Contribution, check_contributions
from ttvos.report.recipe import recipe
from ttvos.report.results import File


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_profile(tmp_path / "results")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """An unchanged run and, in `out`, what was published of it; for tests that only read."""
    folder = tmp_path_factory.mktemp("published")
    publish(write_profile(folder / "results"), folder / "kept/out")
    return folder / "kept/out"


@pytest.fixture
def change(manifest: Path):
    """change(name, function): rewrite one of the JSON files of the run."""

    def rewrite(name: str, function) -> None:
        path = manifest.parent / name
        values = json.loads(path.read_text())
        function(values)
        path.write_text(json.dumps(values))

    return rewrite


def scores(folder: Path) -> tuple[Score, ...]:
    return read_lines(Score, folder / "scores.csv")


def sequences(folder: Path) -> tuple[SequenceScore, ...]:
    return read_lines(SequenceScore, folder / "sequences.csv")


def record_of(folder: Path) -> dict:
    return json.loads((folder / "published.json").read_text())


def refused(manifest: Path, out: Path, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        publish(manifest, out)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words)
    assert not out.exists()


def test_a_line_for_each_row_seed_and_dataset(published):
    lines = scores(published)
    models = [line for line in lines if line.kind == "model"]
    found = [(line.row, line.seed, line.dataset) for line in models]
    assert found == list(product(EXPERIMENTS, (0, 1), DATASETS))
    for line in models:
        assert line.jf == pytest.approx(100 * score(line.row, line.seed, line.dataset))
        assert (line.j_mean, line.f_mean) == pytest.approx((line.jf - 2, line.jf + 2))
        assert (line.j_recall, line.j_decay, line.f_recall, line.f_decay) == (90, 10, 95, 12)
        assert (line.steps, line.seconds, line.device) == (500, 90.5, "Imaginary CPU <2 cores>")
    assert (models[0].variant, models[0].backbone) == ("exp1", "hrnet")
    assert (models[0].dataset_label, models[0].sequences, models[0].objects) == ("3 of val", 3, 3)
    assert models[1].dataset_label == "held"


def test_references_and_masks_have_no_seed_and_no_training(published):
    lines = [line for line in scores(published) if line.seed is None]
    kinds = {"still": "reference", "flow": "reference", "OSVOS": "masks"}
    assert [(line.row, line.dataset) for line in lines] == list(product(kinds, DATASETS))
    for line in lines:
        assert line.kind == kinds[line.row]
        assert (line.variant, line.steps, line.seconds, line.device) == ("", None, None, "")
    assert lines[0].jf == 30
    with open(published / "scores.csv", newline="") as handle:  # plain CSV, four decimals
        first = next(csv.DictReader(handle))
    assert (first["jf"], first["steps"]) == ("53.0000", "500")


def test_sequences_have_their_own_lines(published):
    lines = sequences(published)
    first = [line for line in lines if (line.row, line.seed) == ("exp1-hrnet", 0)]
    wanted = [(dataset, name, 1) for dataset, names in DATASETS.items() for name in names]
    assert [(line.dataset, line.sequence, line.objects) for line in first] == wanted
    assert (first[0].jf, first[0].j_mean, first[0].f_mean) == pytest.approx((51, 49, 53))
    assert first[2].jf == pytest.approx(55)


def test_objects_of_a_sequence_count_alike(manifest, change, tmp_path):
    def second_object(values):
        values["objects"]["camel_2"] = {**REST, "J-Mean": 0.0, "F-Mean": 0.5}

    for path in sorted((manifest.parent / "evaluate").glob("*/val3.json")):
        change(str(path.relative_to(manifest.parent)), second_object)
    publish(manifest, tmp_path / "out")
    camel = sequences(tmp_path / "out")[0]
    assert camel.objects == 2
    assert (camel.j_mean, camel.f_mean, camel.jf) == pytest.approx((24.5, 51.5, 38))
    assert scores(tmp_path / "out")[0].objects == 4


def test_the_record_says_what_was_done(published):
    record = record_of(published)
    assert (record["title"], record["profile"]) == ("Tiny real data", "tiny-real")
    assert record["datasets"]["val3"] == {
        "label": "3 of val",
        "root": "DAVIS",
        "year": 2016,
        "split": "val",
        "sequences": ["camel", "goat", "parkour"],
        "evaluator": "builtin",
        "evaluator_version": None,
        "input_scale": 1.0,
    }
    recipe = record["recipes"]["hrnet"]
    assert recipe["stages"][0]["roots"] == ["DAVIS"]
    assert recipe["data"] == [
        {"root": "DAVIS", "listing": "1a2b"},
        {"root": "ECSSD", "listing": "3c4d"},
    ]
    assert not {"seed", "variant", "code"} & set(recipe)
    assert record["trainings"][1] == {
        "row": "exp1-hrnet",
        "seed": 1,
        "initial": {"source": "start.safetensors", "sha256": "aabb"},
        "selection": {"by": "last", "data": None},
        "code": "c0de",
        "checkpoint_sha256": "exp1-hrnet-1",
    }
    assert record["missing"] == []
    assert record["provenance"]["time"]


def test_every_file_used_is_named_with_its_provenance(published):
    record = record_of(published)
    names = [file["name"] for file in record["files"]]
    results = published.parents[1] / "results"
    written = {str(p.relative_to(results)) for p in results.rglob("*.json")}
    assert set(names) == written - {"manifest.json"}
    assert len(names) == len(set(names))
    for file in record["files"]:
        source = file["provenance"]
        assert (source["commit"], source["source"]) == ("0123456789ab", "fedcba987654")
        assert source["time"].startswith("2026")
    command = next(f for f in record["files"] if f["name"] == "evaluate/still/val3.json")
    assert command["provenance"]["command"] == [
        *("ttvos", "evaluate", "--dataset", "DAVIS", "--out", "results/x.json")
    ]


def test_nothing_tells_where_things_lie(published):
    for path in published.iterdir():
        text = path.read_text()
        assert "somebody" not in text
        assert "photos" not in text
        assert str(published.parents[1]) not in text


def test_twice_the_same_but_for_the_time(published, manifest, tmp_path):
    publish(manifest, tmp_path / "out")
    for name in ("scores.csv", "sequences.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (published / name).read_bytes()
    assert record_of(tmp_path / "out")["files"] == record_of(published)["files"]


def test_a_partly_finished_run(manifest, tmp_path):
    gone = ("evaluate/exp2-hrnet-s1/held.json", "train/exp3-hrnet-s0/train.json")
    gone += ("predict/exp4-hrnet-s0/val3/predict.json", "evaluate/flow/held.json")
    for name in gone:
        (manifest.parent / name).unlink()
    record = publish(manifest, tmp_path / "out")
    assert record["missing"] == list(gone)
    lines = {(s.row, s.seed, s.dataset): s for s in scores(tmp_path / "out")}
    assert ("exp2-hrnet", 1, "held") not in lines
    assert ("flow", None, "held") not in lines
    assert lines["exp2-hrnet", 1, "val3"].steps == 500
    assert lines["exp3-hrnet", 0, "val3"].steps is None
    assert lines["exp3-hrnet", 0, "val3"].device == ""


def test_a_given_checkpoint_has_no_training(manifest, change, tmp_path):
    def given(values):
        for row in values["rows"]:
            row["train"] = []

    change("manifest.json", given)
    record = publish(manifest, tmp_path / "out")
    assert record["missing"] == []
    assert record["recipes"] == {}
    assert scores(tmp_path / "out")[0].seconds is None


def test_nothing_scored_yet(manifest, tmp_path):
    for path in (manifest.parent / "evaluate").rglob("*.json"):
        path.unlink()
    refused(manifest, tmp_path / "out", "manifest.json", "none of the scores")


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        (
            "train/exp2-hrnet-s1/train.json",
            lambda v: v["settings"]["stages"][0].update(steps=400),
            ("train/exp2-hrnet-s1/train.json", "train/exp1-hrnet-s0/train.json", "(stages)"),
        ),
        (
            "train/exp2-hrnet-s1/train.json",
            lambda v: v["settings"].update(torch="2.12.0", device="cuda"),
            ("other settings", "(device, torch)"),
        ),
        (
            "train/exp2-hrnet-s1/train.json",
            lambda v: v["settings"]["data"].update({"../photos/ECSSD": "5e6f"}),
            ("other settings", "(data)"),
        ),
        (
            "evaluate/exp8-hrnet-s0/val3.json",
            lambda v: v["objects"].pop("goat_1"),
            ("evaluate/exp8-hrnet-s0/val3.json", "scored in another way", "(sequences)"),
        ),
        (
            "evaluate/OSVOS/held.json",
            lambda v: v["provenance"].update(evaluator="official"),
            ("evaluate/OSVOS/held.json", "(evaluator)"),
        ),
        (
            "predict/exp5-hrnet-s0/held/predict.json",
            lambda v: v["provenance"]["tracker"].update(single_object="direct"),
            ("predict/exp5-hrnet-s0/held/predict.json", "(single_object)"),
        ),
        (
            "predict/exp5-hrnet-s0/held/predict.json",
            lambda v: v["provenance"].update(checkpoint="exp4-hrnet-0"),
            ("exp5-hrnet-s0/held/predict.json", "other weights", "exp5-hrnet-s0/train.json"),
        ),
        (
            "evaluate/still/held.json",
            lambda v: v.pop("provenance"),
            ("evaluate/still/held.json", "where its numbers come from"),
        ),
        (
            "train/exp2-hrnet-s1/train.json",
            lambda v: v.pop("settings"),
            ("train/exp2-hrnet-s1/train.json", "settings"),
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(manifest, change, tmp_path, name, edit, words):
    change(name, edit)
    refused(manifest, tmp_path / "out", *words)


def arm(transition_loss: bool, drops: tuple[float, ...] = (0.5,)) -> Contribution:
    """An arm of Table 5: FRTM-VOS with or without the transition loss."""
    name = "frtm-resnet18-tm" if transition_loss else "frtm-resnet18"
    values = training(name, 0)
    values["settings"] |= {"transition_loss": transition_loss, "drops": list(drops)}
    file = File(f"train/{name}.json", parse(values, Training, name))
    return Contribution(name, "model", name, {}, {}, (), file, backbone="resnet18", seed=0)


def test_arms_of_table_5_differ_in_the_loss_alone():
    check_contributions([arm(False), arm(True)])
    one, other = (recipe(arm(loss).training.record.settings) for loss in (False, True))
    assert one == other
    with pytest.raises(UserError, match=r"other settings.*\(drops\)"):
        check_contributions([arm(False), arm(True, drops=(0.9,))])


def test_folders_and_code_may_differ(manifest, change, tmp_path):
    """The same data elsewhere is the same data; other code is allowed and recorded."""

    def elsewhere(values):
        values["settings"]["data"] = {"/mnt/DAVIS": "1a2b", "/mnt/ECSSD": "3c4d"}
        values["settings"]["stages"][0]["roots"] = ["/mnt/DAVIS"]
        values["settings"]["code"] = "other"

    change("train/exp2-hrnet-s1/train.json", elsewhere)
    record = publish(manifest, tmp_path / "out")
    assert {training["code"] for training in record["trainings"]} == {"c0de", "other"}


def test_only_an_earlier_one_is_replaced_and_as_a_whole(manifest, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/notes.txt").write_text("mine")
    with pytest.raises(UserError, match="no earlier result"):
        publish(manifest, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]
    (tmp_path / "out/published.json").write_text("{}")
    publish(manifest, tmp_path / "out")
    assert not (tmp_path / "out/notes.txt").exists()


def test_published_folders_are_read_back(published, tmp_path):
    for name in "ba":
        shutil.copytree(published, tmp_path / "kept" / name)
    found = read_published(tmp_path / "kept")
    assert [one.name for one in found] == ["a", "b"]
    assert found[0].title == "Tiny real data"
    assert len(found[0].scores) == 8 * 2 * 2 + 6
    assert read_published(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda lines: [*lines, lines[1] + ",more"], ("line 40", "columns")),
        (lambda lines: [lines[0], lines[1].replace(",3,3,", ",3,x,")], ("line 2", "'x'")),
        (lambda lines: [lines[0].replace("jf", "JF"), *lines[1:]], ("line 2", "columns")),
    ],
)
def test_a_damaged_table_is_named(published, tmp_path, edit, words):
    shutil.copytree(published, tmp_path / "kept/a")
    path = tmp_path / "kept/a/scores.csv"
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    with pytest.raises(UserError) as caught:
        read_published(tmp_path / "kept")
    assert all(word in str(caught.value) for word in ("a/scores.csv", *words))


def test_a_record_of_another_kind_is_named(published, tmp_path):
    shutil.copytree(published, tmp_path / "kept/a")
    (tmp_path / "kept/a/published.json").write_text("{}")
    with pytest.raises(UserError, match=r"a/published\.json: not a record"):
        read_published(tmp_path / "kept")


@pytest.mark.parametrize(
    ("commit", "words"),
    [("abc123+changes", "changed code (abc123+changes)"), (None, "code of no known commit")],
)
@pytest.mark.parametrize(
    "name", ["train/exp8-hrnet-s0/train.json", "evaluate/exp8-hrnet-s0/val3.json"]
)
def test_results_that_nobody_can_make_again_are_refused(
    manifest, change, tmp_path, name, commit, words
):
    change(name, lambda values: values["provenance"].update(commit=commit))
    refused(manifest, tmp_path / "out", name, words, "commit the code")


def test_results_without_a_commit_are_counted(manifest, change, tmp_path):
    for seed in (0, 1):
        name = f"evaluate/exp8-hrnet-s{seed}/val3.json"
        change(name, lambda values: values["provenance"].pop("commit"))
    refused(manifest, tmp_path / "out", "no known commit, as were 1 more of")


@pytest.mark.parametrize("commit", ["abc123+changes", None])
def test_nothing_is_published_from_a_tree_with_changes(manifest, tmp_path, monkeypatch, commit):
    monkeypatch.setattr("ttvos.report.publication.publish.git_commit", lambda: commit)
    refused(manifest, tmp_path / "out", "not published: no commit of this project here, or")
