"""`ttvos failures`: where masks lost J&F, when objects were lost, and whether they came back."""

import argparse
from typing import TYPE_CHECKING

from ttvos.cli.evaluate import add_asked, not_fetched
from ttvos.cli.options import add_record

if TYPE_CHECKING:
    from ttvos.records.schema import Failures, Loss


_NO_ATTRIBUTES = "knows not every sequence, or fewer than 5 share one (docs/failures.md)"


def add_options(command: argparse.ArgumentParser) -> None:
    add_asked(command)
    add_record(command)
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
    if options.record and not found.attributes:
        print(f"none by attribute: {options.record} {_NO_ATTRIBUTES}")


def _told(found: "Failures", each: bool) -> list[str]:
    """Lines of the means, also by attribute, of each object where asked for, and of losses."""
    by_attribute = {f"{a.attribute}, {a.sequences} sequences": a for a in found.attributes}
    own = {"all objects": found.means, **by_attribute, **(found.objects if each else {})}
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
