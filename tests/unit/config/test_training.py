"""Settings of trainings, TTVOS's and FRTM-VOS's: defaults, and what is refused."""

import pytest

from ttvos.config.frtm import FRTMTraining, TargetFit
from ttvos.config.settings import build
from ttvos.config.training import Selection, Stage, TrainConfig
from ttvos.core.errors import UserError

STAGE = {"name": "one", "source": "davis", "roots": ["/data"], "height": 96, "width": 160}
STAGE |= {"frames": 3, "batch": 2, "learning_rate": 0.001, "steps": 100}


def parse(**changes) -> FRTMTraining:
    return build(FRTMTraining, {"stages": [STAGE], **changes}, "frtm")


def parse_ttvos(**changes) -> TrainConfig:
    return build(TrainConfig, {"stages": [STAGE], **changes}, "train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": None}, "either steps or epochs"),
        ({"epochs": 3}, "either steps or epochs"),
        ({"height": 100}, "multiples of 16"),
        ({"frames": 1}, "at least 2 frames"),
        ({"batch": 0}, "batch must be 1 or more"),
        ({"scale": [2, 1]}, "the smaller first"),
        ({"learning_rate": 0}, "learning_rate must be positive and finite"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive and finite"),
        ({"learning_rate": float("inf")}, "learning_rate must be positive and finite"),
        ({"paste": 1.5}, "paste must be a share"),
        ({"stills_share": 0.5}, "stills_roots and a share of them"),
        ({"source": "stills", "stills_roots": ["x"]}, "are for videos"),
        ({"warmup": -1}, "warmup must be 0 or more"),
        ({"end_rate": 1.0}, "end_rate must lie from 0 to learning_rate"),
    ],
)
def test_bad_stages(change, message):
    with pytest.raises(UserError, match=rf"train.stages\[0\]: stage one: .*{message}") as caught:
        parse_ttvos(stages=[{**STAGE, **change}])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial": {"vgg": None}}, "unknown backbone 'vgg'; known: hrnet"),
        ({"effort": {"hrnet": 0}}, "effort of hrnet must be positive"),
        ({"workers": -1}, "workers must be 0 or more"),
        ({"weight_decay": 0.1}, "is for optimizer adamw"),
        ({"clip_norm": 0.0}, "clip_norm must be above 0"),
        ({"average": 1.0}, "average must lie between 0 and 1"),
        ({"accumulate": 3}, "a batch of 2 cannot be split evenly into 3 parts"),
        ({"processes": 4}, "in each of 4 processes"),
    ],
)
def test_bad_trainings(changes, message):
    with pytest.raises(UserError, match=f"train: .*{message}"):
        parse_ttvos(**changes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"by": "best"}, "'best' is not one of last, heldout, released"),
        ({"by": "last", "root": "x"}, "last step is taken without scoring"),
        ({"every": 5}, "last step is taken without scoring"),
        ({"by": "released"}, "selection by released: give root"),
        ({"by": "released", "root": "x", "split": "test-dev"}, "no public ground truth"),
        ({"by": "released", "root": "x", "every": 0}, "every must be 1 or more"),
        ({"by": "released", "root": "x", "start": 1.0}, "start must be a share"),
        ({"by": "released", "root": "x", "input_scale": 0.0}, "input_scale 0.0: above 0"),
        ({"by": "released", "root": "x", "colour": 1}, "unknown key 'colour'"),
        ({"by": "heldout", "root": "x"}, "name the training sequences under heldout"),
        ({"by": "heldout", "root": "x", "split": "val"}, "no split of train"),
    ],
)
def test_bad_selections(values, message):
    heldout = ["one"] if "split" in values else []
    with pytest.raises(UserError, match=message) as caught:
        parse_ttvos(selection=values, heldout=heldout)
    assert "\n" not in str(caught.value)


def test_a_selection_reads_its_data_and_the_code_of_evaluation():
    config = parse_ttvos(selection={"by": "released", "root": "/scored"})
    assert (config.all_roots(), config.selection.scored_split) == (("/data", "/scored"), "val")
    assert Selection("heldout", "x").scored_split == "train"
    assert set(parse_ttvos().modules) < set(config.modules)


def test_defaults_are_the_public_code_s():
    config = parse()
    assert config.freeze_backbone
    assert config.target == TargetFit(32, 15, (5, 10, 10, 10, 10), (10,), 1e-5, 1e-4)
    assert [round(260 * share) for share in config.drops] == [127, 254]
    assert (config.weight_decay, config.transition_weight) == (1e-5, 1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"freeze": {}}, "frtm: unknown key 'freeze'"),
        ({"target": {"iterations": [5]}}, "frtm.target: unknown key 'iterations'"),
        ({"initial": {"hrnet": None}}, "unknown backbone 'hrnet' of FRTM; known: resnet18"),
        ({"effort": {"resnet50": 1}}, "unknown backbone 'resnet50'"),
        ({"effort": {"resnet18": 0}}, "effort of resnet18 must be positive"),
        ({"drops": [1.0]}, "drops must be shares"),
        ({"target": {"samples": 0}}, "target.samples must be 1 or more"),
        ({"target": {"first": []}}, "target.first"),
        ({"target": {"then": [0]}}, "target.then"),
        ({"target": {"filter": 0}}, "target.projection and target.filter"),
        ({"transition_weight": 0}, "transition_weight must be above 0"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"target_cache": "fits", "freeze_backbone": False}, "target_cache needs freeze_backbone"),
        ({"stages": []}, "at least one"),
        ({"stages": [STAGE, STAGE]}, "no name twice"),
        ({"stages": [{**STAGE, "spoilt": 0.1}]}, "stage one: FRTM's training has no spoilt"),
        ({"stages": [{**STAGE, "warmup": 5}]}, "stage one: FRTM's training has no warmup"),
        ({"stages": [{**STAGE, "end_rate": 0.0}]}, "stage one: FRTM's training has no end_rate"),
    ],
)
def test_what_is_refused(changes: dict, message: str):
    with pytest.raises(UserError, match=message):
        parse(**changes)


def test_effort_shortens_every_stage_of_its_backbone():
    other = {**STAGE, "name": "two", "steps": None, "epochs": 4}
    for parsed, backbone in ((parse, "resnet101"), (parse_ttvos, "resnet50")):
        config = parsed(stages=[STAGE, other], effort={backbone: 0.1})
        counts = [(stage.steps, stage.epochs) for stage in config.stages_of(backbone)]
        assert counts == [(10, None), (None, 1)]
        assert config.stages_of("resnet18") == config.stages


def test_roots_of_all_stages():
    stills = {**STAGE, "name": "two", "stills_roots": ["/stills"], "stills_share": 0.5}
    config = parse(stages=[STAGE, stills])
    assert config.all_roots() == ("/data", "/data", "/stills")
    assert isinstance(config.stages[0], Stage)
