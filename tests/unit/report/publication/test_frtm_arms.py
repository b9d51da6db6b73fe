"""Both arms of Table 5 are runs of one recipe: the loss is what they compare."""

import pytest

from tests.unit.report.publication.fake_profile import provenance
from ttvos.core.errors import UserError
from ttvos.report.publication.checks import check_runs, recipe
from ttvos.report.publication.runs import Run
from ttvos.report.results import Result


def arm(transition_loss: bool, drops: tuple[float, ...] = (0.5,)) -> Run:
    name = "frtm-resnet18-tm" if transition_loss else "frtm-resnet18"
    settings = {"backbone": "resnet18", "transition_loss": transition_loss, "drops": list(drops)}
    settings |= {"seed": 0, "code": "0123", "data": {}}
    data = {"settings": settings, "provenance": provenance("train")}
    return Run(name, "model", name, Result(f"train/{name}.json", data), {}, (), "", "resnet18", 0)


def test_arms_differ_in_the_loss_alone():
    check_runs([arm(False), arm(True)])
    assert recipe(arm(False).train) == recipe(arm(True).train)
    with pytest.raises(UserError, match=r"other settings.*\(drops\)"):
        check_runs([arm(False), arm(True, drops=(0.9,))])
