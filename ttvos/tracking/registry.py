"""Trackers by name: a built peer (`data/peers/NAME.yaml`), or anybody's class."""

import importlib
import inspect
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from ttvos.config.peers import Peer, load_records
from ttvos.core.code_hash import code_hash, own_code
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.tracking.adapters import OwnTracker
from ttvos.tracking.protocol import Tracker

PAGE = "docs/your-own-tracker.md"


def load_tracker(
    name: str,
    device: str = "cpu",
    weights: Path | str | None = None,
    options: dict[str, Any] | None = None,
) -> Tracker:
    """The tracker of that name, made anew.

    name: a built peer ("stm"), or "package.module:Class" from the current folder or the
    environment. The class is called with `device`, `weights` and the options, as far as its
    constructor has such parameters. It meets `ttvos.tracking.protocol.Tracker`, or has
    `init(frame, mask)` and `step(frame)`, which returns the mask (`ttvos.tracking.adapters`).
    Raises UserError for an unknown name, a class that is no tracker, or `device`, `weights` or
    options that it does not take.
    """
    target, fixed = _target(name)
    kind = _find_class(target)
    wanted = {**fixed, **(options or {})}
    wanted |= {"device": device} if device != "cpu" or _takes(kind, "device") else {}
    wanted |= {"weights": weights} if weights is not None else {}
    for key in wanted:
        if not _takes(kind, key):
            raise UserError(f"{name}: its class takes no {key!r}; leave it out")
    made = _make(name, kind, wanted)
    if _is_simple(name, made):
        return OwnTracker(made, device)
    if not hasattr(made, "name"):
        raise UserError(
            f"{name}: a class whose step() takes a state needs an attribute name; see {PAGE}"
        )
    return made


def find_peer(name: str) -> Peer:
    """The record of a built peer; UserError lists the known ones, or says why it is not built."""
    records = load_records()
    if name not in records:
        built = ", ".join(peer.name for peer in records.values() if peer.tracker)
        raise UserError(f"unknown tracker {name!r}; built: {built}; your own: package.module:Class")
    if records[name].tracker is None:
        raise UserError(f"{name} is not built: {records[name].reason}")
    return records[name]


def tracker_code(name: str) -> dict[str, Any]:
    """What decides how a tracker computes, so that a change of it is seen: hashes and options.

    Of a module of ours, all that it imports; of anybody's class, `ttvos.core.code_hash`.
    """
    target, options = _target(name)
    module = target.partition(":")[0]
    if module.startswith("ttvos."):
        path = module.removeprefix("ttvos.").replace(".", "/")
        return {"code": code_hash(f"{path}.py"), "options": options}
    return {"code": own_code(module), "options": options}


def tracker_origin(name: str, weights: Path | str | None = None) -> dict[str, str | None]:
    """For the provenance: the tracker's class, a hash of its source, and of its weights' file."""
    return {
        "tracker_class": _target(name)[0],
        "tracker_code": tracker_code(name)["code"],
        "checkpoint": file_hash(weights) if weights else None,
    }


def _target(name: str) -> tuple[str, dict[str, str]]:
    if ":" in name:
        return name, {}
    peer = find_peer(name)
    return peer.tracker, peer.options


def _find_class(target: str) -> type:
    module_name, _, class_name = target.partition(":")
    if not module_name or not class_name:
        raise UserError(f"{target}: a class is named package.module:Class")
    if os.getcwd() not in sys.path:  # as `python -m` does, also for the `ttvos` script
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        raise UserError(f"{target}: no module {missing!r} here or in the environment") from None
    except Exception as error:  # a fault of that file, of any kind
        raise UserError(f"{target}: {_told(error)}") from error
    found = getattr(module, class_name, None)
    if not inspect.isclass(found):
        raise UserError(f"{target}: {module_name} has no class {class_name!r}")
    for method in ("init", "step"):
        if not callable(getattr(found, method, None)):
            raise UserError(f"{target}: no tracker, it has no {method}(); see {PAGE}")
    return found


def _make(name: str, kind: type, wanted: dict[str, Any]) -> Any:
    """The class called; UserError for a fault of a class that is not ours."""
    try:
        inspect.signature(kind).bind(**wanted)
    except TypeError as error:
        given = ", ".join(wanted) or "nothing"
        raise UserError(f"{name}: its constructor is given {given}, but: {error}") from None
    try:
        return kind(**wanted)
    except UserError:
        raise
    except Exception as error:
        if ":" not in name:
            raise
        raise UserError(f"{name}: its constructor raised {_told(error)}") from error


def _told(error: Exception) -> str:
    """What was raised, and where, in a line."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError):
        return text  # which says where
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{text} ({last.filename}, line {last.lineno})"


def _takes(kind: type, key: str) -> bool:
    parameters = inspect.signature(kind).parameters.values()
    return any(p.name == key or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def _is_simple(name: str, tracker: Any) -> bool:
    """Whether it keeps the clip by itself: `step(frame)`, not `step(frame, state)`.

    Raises UserError where `init` or `step` takes neither what the one nor the other form is given.
    """
    _check_call(name, tracker.init, "frame, mask")
    try:
        parameters = inspect.signature(tracker.step).parameters.values()
    except (TypeError, ValueError):  # one without self, for example
        parameters = ()
    required = [
        parameter
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    is_simple = len(required) == 1
    _check_call(name, tracker.step, "frame" if is_simple else "frame, state")
    return is_simple


def _check_call(name: str, method: Any, given: str) -> None:
    """UserError for a method that cannot be called with these arguments."""
    try:
        inspect.signature(method).bind(*given.split(", "))
    except (TypeError, ValueError) as error:
        forms = {"init": "(frame, mask)", "step": "(frame), or (frame, state)"}[method.__name__]
        raise UserError(
            f"{name}: its {method.__name__}() must take {forms}: {error}; see {PAGE}"
        ) from None
