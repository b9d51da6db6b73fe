"""What can be reached from an object: through attributes, lists, sets and dictionaries."""

import sys
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

CONTAINERS = (list, tuple, set, frozenset, deque)


def reachable(holder: Any) -> Iterator[Any]:
    """The object itself and all that it holds, directly or not, each once.

    Arrays, tensors, networks (nn.Module), classes and modules are not looked into.
    """
    ends = _ends()
    seen: dict[int, Any] = {}
    waiting = [holder]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value  # kept, so that no other gets its id
        yield value
        if isinstance(value, ends):
            continue
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, CONTAINERS):
            waiting += value
        slots = [s for kind in type(value).__mro__ for s in _slots(kind)]
        waiting += [getattr(value, name) for name in slots if hasattr(value, name)]
        waiting += getattr(value, "__dict__", {}).values()


def _ends() -> tuple[type, ...]:
    """The types that are not looked into; torch takes seconds to import, and need not be there."""
    torch = sys.modules.get("torch")
    return (np.ndarray, type, ModuleType, *((torch.Tensor, torch.nn.Module) if torch else ()))


def _slots(kind: type) -> tuple[str, ...]:
    named = kind.__dict__.get("__slots__", ())
    return (named,) if isinstance(named, str) else tuple(named)
