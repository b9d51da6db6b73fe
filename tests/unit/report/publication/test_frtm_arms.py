"""Both arms of Table 5 are runs of one recipe: the loss is what they compare."""

import pytest

from tests.unit.report.publication.fake_profile import training
from ttvos.core.errors import UserError
from ttvos.records.schema import Training
from ttvos.records.store import parse
from ttvos.report.publication.runs import Entry, File, check_entries
from ttvos.report.recipe import recipe


def arm(transition_loss: bool, drops: tuple[float, ...] = (0.5,)) -> Entry:
    name = "frtm-resnet18-tm" if transition_loss else "frtm-resnet18"
    values = training(name, 0)
    values["settings"] |= {"transition_loss": transition_loss, "drops": list(drops)}
    file = File(f"train/{name}.json", parse(values, Training, name))
    return Entry(name, "model", name, {}, {}, (), file, backbone="resnet18", seed=0)


def test_arms_differ_in_the_loss_alone():
    check_entries([arm(False), arm(True)])
    one, other = (recipe(arm(loss).training.record.settings) for loss in (False, True))
    assert one == other
    with pytest.raises(UserError, match=r"other settings.*\(drops\)"):
        check_entries([arm(False), arm(True, drops=(0.9,))])
