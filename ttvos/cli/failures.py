"""`ttvos failures`: where masks lost J&F, when objects were lost, and whether they came back."""

import argparse
from typing import TYPE_CHECKING

from ttvos.cli.evaluate import add_asked, not_fetched

if TYPE_CHECKING:
    from ttvos.records.schema import Failures, Loss


def add_options(command: argparse.ArgumentParser) -> None:
    add_asked(command)
    text = "folder of the DAVIS site's record, for means by attribute (docs/published-masks.md)"
    command.add_argument("--record", metavar="FOLDER", help=text)
    text = "print the account of each object, too"
    command.add_argument("--per-object", action="store_true", help=text)
    text = "write this JSON file too: the account of each object, its losses, and the provenance"
    command.add_argument("--out", metavar="FILE", help=text)


def run(options: argparse.Namespace) -> None:
    if options.fetched and (reason := not_fetched(options)):
        print(f"not scored: {reason}")
        return
    from ttvos.data.site_record import read_attributes
    from ttvos.evaluation.failures import find_failures
    from ttvos.records.store import write

    found = find_failures(
        options.masks,
        options.dataset,
        options.year,
        options.split,
        options.workers,
        options.profile,
        tuple(options.only),
        truth=options.truth,
        ignore_void=options.ignore_void,
        objects=options.objects,
        attributes=read_attributes(options.record) if options.record else None,
    )
    if options.out:
        write(options.out, found)
    print("\n".join(_told(found, options.per_object)))


def _told(found: "Failures", each: bool) -> list[str]:
    """A line of the means, one for each loss, and one for each object where asked for."""
    own = {"all objects": found.means, **(found.objects if each else {})}
    width = max(map(len, own))
    lines = [
        f"{name:{width}}  J&F {100 * one.jf_mean:.1f}, lost: "
        + ", ".join(f"{key.replace('_', ' ')} {100 * v:.1f}" for key, v in one.lost_points.items())
        for name, one in own.items()
    ]
    lines += [
        f"{name}: {_loss(loss)}" for name, one in found.objects.items() for loss in one.losses
    ]
    return lines + [f"note: {note}" for note in found.notes]


def _loss(loss: "Loss") -> str:
    back = "does not come back" if loss.back is None else f"back in frame {loss.back}"
    return f"lost from frame {loss.frame} on, {loss.frames} frames below J 0.2, {back}"
