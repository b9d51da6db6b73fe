"""DAVIS, and any data set in its layout (`ttvos.data.davis`), to train on."""

from ttvos.config.run import Stage
from ttvos.core.errors import UserError
from ttvos.data.davis import Sequence, Video, load_sequences


def training_items(root: str, stage: Stage, heldout: tuple[str, ...] = ()) -> list[Video]:
    """The videos of the stage's split, once for each of its years, but those held out."""
    items: list[Video] = []
    for year in stage.years:
        found = load_sequences(root, year, stage.split)
        _check_heldout(stage, root, heldout, found)
        items += [Video(each, year) for each in found if each.name not in heldout]
    return items


def _check_heldout(
    stage: Stage, root: str, heldout: tuple[str, ...], found: list[Sequence]
) -> None:
    """Refuse a name that is not there: a sequence held out by a wrong name is learnt from."""
    unknown = set(heldout) - {sequence.name for sequence in found}
    if unknown:
        raise UserError(
            f"stage {stage.name}: heldout names {', '.join(sorted(unknown))}, which the split "
            f"{stage.split} under {root} does not have"
        )
