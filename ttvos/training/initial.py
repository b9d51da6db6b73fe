"""Initial weights by name: each module draws from a generator of its own, of (seed, its name).

So experiments of one seed start equal wherever they share a module, whatever else differs between
them, and a difference of their results is not one of their luck at the start.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def own_generator(seed: int, name: str) -> Iterator[None]:
    """Draw from a generator that (seed, name) alone decides; the caller's is as it was after."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(digest[:8], "big"))
        yield


def draw_weights(
    network: nn.Module, seed: int, wholes: Mapping[str, Callable[[], nn.Module]]
) -> None:
    """Draw a network's weights anew, each module's by its name, in place.

    A module is drawn by its `reset_parameters`. wholes: children that come from elsewhere and
    are drawn as one, by name, with what makes them. Statistics of batch-norms begin anew too.
    """
    for name, child in network.named_children():
        if name in wholes:
            with own_generator(seed, name):
                child.load_state_dict(wholes[name]().state_dict())
        else:
            _draw(child, seed, name)


def _draw(module: nn.Module, seed: int, name: str) -> None:
    if hasattr(module, "reset_parameters"):
        with own_generator(seed, name):
            module.reset_parameters()
        return
    if any(True for _ in module.parameters(recurse=False)):
        raise AssertionError(f"{name}: has parameters and no reset_parameters() to draw them")
    for child_name, child in module.named_children():
        _draw(child, seed, f"{name}.{child_name}")
