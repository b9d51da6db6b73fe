"""What the page says of where numbers come from: the precision behind the scores among it."""

from tests.unit.report.fake_peers import peer_speed
from tests.unit.report.fake_results import provenance
from ttvos.records.schema import Result, TrackerSpeed
from ttvos.records.store import parse
from ttvos.report.origin import origins, overview
from ttvos.report.results import File, timed_on


def result(name: str, **facts) -> File[Result]:
    return File(name, parse({"provenance": provenance(**facts)}, Result, name))


MASKS = "results/mini/predict/exp8-hrnet-s0/davis17"
PREDICT = result(f"{MASKS}/predict.json", precision="bfloat16", command=["ttvos", "predict", "x"])
SCORES = result("evaluate/a.json", precision=None, masks=MASKS, command=["ttvos", "evaluate"])
FOREIGN = result("evaluate/b.json", precision=None, masks="elsewhere", command=["ttvos"])
TRAIN = result("train/a.json", command=["ttvos", "train"])


def test_scores_say_in_which_precision_their_masks_were_tracked():
    found = origins([SCORES, FOREIGN, PREDICT])
    assert found["evaluate/a.json"].brief.endswith(", masks tracked in bfloat16")
    assert ("tracked in", "bfloat16") in found["evaluate/a.json"].facts
    assert found[PREDICT.name].brief.endswith(", bfloat16")
    assert "tracked in" not in found["evaluate/b.json"].brief
    assert "tracked in" not in dict(found["evaluate/b.json"].facts)


def test_masks_without_provenance_tell_no_precision():
    unknown = File(
        PREDICT.name, parse({"provenance": {"precision": "bfloat16"}}, Result, PREDICT.name)
    )
    found = origins([SCORES, unknown])
    assert "tracked in" not in found["evaluate/a.json"].brief
    assert found[PREDICT.name].brief == "no provenance: its numbers are not shown"


def test_precisions_that_differ_are_told_apart_by_command():
    mixed = dict(overview([TRAIN, PREDICT, SCORES]))
    assert mixed["Precision"] == "bfloat16 (predict); float32 (train)"
    assert dict(overview([TRAIN, TRAIN]))["Precision"] == "float32"


def test_a_speed_is_called_plain_pytorch_only_where_it_has_pytorchs_precision():
    made = peer_speed(1.0) | {"provenance": None}
    for precision, words in (
        ("float32", "cpu, float32, plain PyTorch"),
        (None, "cpu, precision not recorded"),
    ):
        speed = parse(made | {"precision": precision}, TrackerSpeed, "a")
        assert timed_on(File("a", speed)) == words
