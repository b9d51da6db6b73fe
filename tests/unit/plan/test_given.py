"""A profile that names a folder or file which is not there is refused before any job runs."""

import pytest

from ttvos.config.experiments import RUNS
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.plan.needs import check_given
from ttvos.plan.plan import Plan
from ttvos.plan.run import load_config, parse_config

STAGE = {"name": "clips", "source": "davis", "height": 32, "width": 48, "frames": 2, "batch": 1}
STAGE |= {"learning_rate": 0.001, "steps": 1}


def profile(**changed) -> Plan:
    """One that needs nothing but what the workflow makes, with changes."""
    values = {"profile": "p", "title": "", "caution": "", "results": "results/p", "rows": []}
    values |= {"datasets": {"made": {"root": "{results}/data/davis", "year": 2017}}, **changed}
    return Plan(parse_config(values))


def train(**changed) -> dict:
    return {"rows": ["exp8-hrnet"], "train": {"stages": [{**STAGE, "roots": ["/no"], **changed}]}}


def test_what_is_made_or_fetched_or_optional_need_not_be_there(tmp_path):
    check_given(profile())
    absent = {"root": "/no", "datasets": ["made"], "optional": True}
    check_given(profile(masks=[{"name": "M", **absent}]))
    check_given(profile(datasets={"d": {"root": "{davis2017}", "year": 2017}}, data=str(tmp_path)))
    check_given(profile(**{**train(), "rows": []}))  # nothing of it is trained
    for name in ("mini", "paper"):
        check_given(Plan(load_config(RUNS / f"{name}.yaml")))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"datasets": {"d": {"root": "/no", "year": 2016}}},
            "datasets.d.root: /no: no such folder",
        ),
        ({"masks": [{"name": "M", "root": "/no", "datasets": ["made"]}]}, "masks: M: /no: no such"),
        (train(), "train.stages: /no: no such folder"),
        (
            train(roots=["{results}/data/davis"], stills_roots=["/no"], paste=0.5),
            "train.stages: /no: no such",
        ),
        ({"checkpoint": "/no.pth"}, "checkpoint: /no.pth: no such file"),
        ({"peers": {"weights": {"stm": "/no.pth"}}}, "peers.weights.stm: /no.pth: no such file"),
    ],
)
def test_what_is_given_and_not_there_is_one_clear_line(changed, message):
    with pytest.raises(UserError, match=message) as caught:
        check_given(profile(**changed))
    assert "--config" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_initial_weights_that_are_not_there_are_named():
    changed = train(roots=["{results}/data/davis"])
    changed["train"]["initial"] = {"hrnet": "/no.safetensors", "resnet18": "/other.safetensors"}
    with pytest.raises(UserError, match=r"train.initial.hrnet: /no.safetensors: no such file"):
        check_given(profile(**changed))


def test_a_folder_given_on_the_command_line_is_looked_for(tmp_path):
    values = read_yaml(RUNS / "davis16.yaml")
    check_given(Plan(parse_config({**values, "davis": str(tmp_path)})))
    with pytest.raises(UserError, match=r"datasets.davis16.root: /nope: no such folder"):
        check_given(Plan(parse_config({**values, "davis": "/nope"})))
