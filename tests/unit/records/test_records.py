"""Result files: what writers make and what is kept have a field for every key, read as written."""

import json
from pathlib import Path
from typing import Any

import pytest

from ttvos.cli.main import main
from ttvos.config.experiments import Variant
from ttvos.core.errors import UserError
from ttvos.core.provenance import REPOSITORY
from ttvos.evaluation.davis import evaluate
from ttvos.measure.cost import cost
from ttvos.measure.tracker_cost import cost_tracker
from ttvos.measure.tracker_speed import speed_tracker
from ttvos.records.schema import (
    Cost,
    Live,
    NotScored,
    Predictions,
    Record,
    Result,
    RowCost,
    RowSpeed,
    Scores,
    Speed,
    TrackerCost,
    Training,
)
from ttvos.records.store import parse, read, write
from ttvos.tracking.baselines import HeldStill
from ttvos.tracking.predict import predict

KEPT = [(path, Cost) for path in REPOSITORY.glob("results-published/peers/*.json")]
KEPT += [(path, Speed) for path in REPOSITORY.glob("results-published/performance/speed-*.json")]
KEPT += [(path, Live) for path in REPOSITORY.glob("results-published/live/*.json")]


def unnamed(value: Any, place: str = "") -> list[str]:
    """Keys anywhere in a record that no field names."""
    if isinstance(value, Record):
        own = [f"{place}.{key}" for key in value.model_extra or ()]
        return own + [k for key in type(value).model_fields for k in unnamed(getattr(value, key))]
    if isinstance(value, dict):
        value = list(value.values())
    return [key for item in value for key in unnamed(item)] if isinstance(value, list) else []


def check_whole(record: Result, kind: type[Result], folder: Path) -> None:
    """What is written is what is read, every key is known, and the origin is told."""
    write(folder / "result.json", record)
    again = read(folder / "result.json", kind, sourced=True)
    assert type(again) is type(record)
    assert again == record
    assert again.plain() == json.loads((folder / "result.json").read_text())
    assert not unnamed(again)


@pytest.mark.parametrize(("path", "kind"), KEPT, ids=lambda value: getattr(value, "name", ""))
def test_kept_files_are_read_and_written_as_they_are(path: Path, kind: Any, tmp_path: Path):
    record = read(path, kind, sourced=True)
    assert not unnamed(record)
    write(tmp_path / "copy.json", record)
    assert json.loads((tmp_path / "copy.json").read_text()) == json.loads(path.read_text())


def test_what_tracking_and_scoring_write_is_whole(tiny_davis: Path, tmp_path: Path):
    predictions = predict(HeldStill(), tiny_davis, 2017, "val", tmp_path / "masks")
    check_whole(predictions, Predictions, tmp_path)
    scores = evaluate(tmp_path / "masks", tiny_davis, 2017)
    check_whole(scores, Scores | NotScored, tmp_path)
    assert set(scores.plain()) == {"global", "objects", "frames", "scored", "notes", "provenance"}
    assert scores.means.jf_mean == scores["global"]["J&F-Mean"]
    assert {name: len(of) for name, of in scores.sequences().items()} == {"one": 1, "two": 2}
    assert scores.sequences()["one"][0] == scores.objects["one_1"]


def test_what_measuring_writes_is_whole(tmp_path: Path):
    small = {"height": 32, "width": 48}
    check_whole(cost(Variant("exp1"), "resnet18", **small), Cost, tmp_path)
    check_whole(cost_tracker(HeldStill(), **small), Cost, tmp_path)
    check_whole(speed_tracker(HeldStill(), **small), Speed, tmp_path)


def test_a_kind_is_told_by_the_file():
    found = {(kind, type(read(path, kind))) for path, kind in KEPT}
    assert found == {(Cost, TrackerCost), (Speed, RowSpeed), (Live, Live)}
    missing = parse({"missing": "no archive", "provenance": {}}, Scores | NotScored, "x")
    assert (missing.missing, missing.origin) == ("no archive", None)
    (path, _), *_ = KEPT
    with pytest.raises(UserError, match=r"has no 'parameters\.inference'; make it anew"):
        read(path, RowCost)


def scores(**changes: Any) -> dict[str, Any]:
    metrics = {f"{metric}-{name}": 0.5 for metric in "JF" for name in ("Mean", "Recall", "Decay")}
    origin = {"source": "abc", "device": "a processor", "time": "now"}
    made = {"global": {"J&F-Mean": 0.5, **metrics}, "objects": {"a_b_1": metrics}}
    return {**made, "provenance": origin, **changes}


def test_a_record_answers_by_key_as_the_file_does():
    record = parse(scores(future=[1]), Scores, "x")
    assert set(record) == {"global", "objects", "provenance", "future"}
    assert (record["future"], record.get("notes"), record.notes) == ([1], None, [])
    assert "notes" not in record
    with pytest.raises(KeyError):
        record["notes"]
    assert dict(record.items()) == {**record} == scores(future=[1])
    assert list(record.sequences()) == ["a_b"]
    with pytest.raises(ValueError, match="frozen"):
        record.notes = ["x"]


def test_an_origin_that_says_too_little_does_not_count(tmp_path: Path):
    assert parse(scores(), Scores, "x").origin
    for origin in ({}, {"source": "abc", "device": None, "time": "now"}, None):
        record = parse(scores(provenance=origin), Scores, "x")
        assert record.origin is None
        write(tmp_path / "mine.json", record)
        with pytest.raises(UserError, match=r"mine\.json: does not say where its numbers come"):
            read(tmp_path / "mine.json", Scores, sourced=True)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "x: a result file is a JSON object"),
        (None, "x: a result file is a JSON object"),
        ({}, "x: has no 'global'; make it anew with this version"),
        (scores(objects={"a_1": {}}), "x: has no 'objects.a_1.J-Mean'"),
        (scores(notes="one"), "x: notes: input should be a valid list, not 'one'"),
        (scores(frames={"a": {"J": ["1"], "F": []}}), "x: frames.a.J.0: input .* number, not '1'"),
        (scores(provenance={"cpus": "two"}), "x: provenance.cpus: input should be a valid integer"),
    ],
)
def test_what_is_no_record_is_one_line_with_its_key(data: Any, message: str):
    with pytest.raises(UserError, match=message) as caught:
        parse(data, Scores, "x")
    assert "\n" not in str(caught.value)


def test_missing_and_damaged_files_are_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"none\.json: no such file"):
        read(tmp_path / "none.json", Training)
    (tmp_path / "half.json").write_text("{")
    with pytest.raises(UserError, match="not a readable JSON file"):
        read(tmp_path / "half.json", Training)


def test_the_schemas_kept_are_those_of_the_code(tmp_path: Path):
    """`ttvos schemas --out workflow/schemas` writes them anew."""
    assert main(["schemas", "--out", str(tmp_path)]) == 0
    kept = {path.name: path.read_text() for path in (REPOSITORY / "workflow/schemas").iterdir()}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == kept


def test_the_schemas_take_what_is_there():
    jsonschema, yaml = pytest.importorskip("jsonschema"), pytest.importorskip("yaml")

    def schema(name: str) -> dict[str, Any]:
        return json.loads((REPOSITORY / f"workflow/schemas/{name}.schema.json").read_text())

    for path in (REPOSITORY / "workflow/runs").glob("*.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema("run"))
    for path, kind in KEPT:
        name = {Cost: "cost", Speed: "speed", Live: "live"}[kind]
        jsonschema.validate(json.loads(path.read_text()), schema(name))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"run": "x", "colour": 1}, schema("run"))
