"""Settings of FRTM's training: what the defaults are, and what is refused."""

import pytest

from ttvos.config.frtm import FRTMTraining, TargetFit
from ttvos.config.run import Stage
from ttvos.config.settings import build
from ttvos.core.errors import UserError

STAGE = {"name": "one", "source": "davis", "roots": ["/data"], "height": 96, "width": 160}
STAGE |= {"frames": 3, "batch": 2, "learning_rate": 0.001, "steps": 100}


def parse(**changes) -> FRTMTraining:
    return build(FRTMTraining, {"stages": [STAGE], **changes}, "frtm")


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
    config = parse(stages=[STAGE, other], effort={"resnet101": 0.1})
    counts = [(stage.steps, stage.epochs) for stage in config.stages_of("resnet101")]
    assert counts == [(10, None), (None, 1)]
    assert config.stages_of("resnet18") == config.stages


def test_roots_of_all_stages():
    stills = {**STAGE, "name": "two", "stills_roots": ["/stills"], "stills_share": 0.5}
    config = parse(stages=[STAGE, stills])
    assert config.all_roots() == ("/data", "/data", "/stills")
    assert isinstance(config.stages[0], Stage)
