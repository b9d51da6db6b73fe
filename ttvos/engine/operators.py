"""Looking at PyTorch's operators as they run, by private names of PyTorch's."""

from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class OperatorWatcher(TorchDispatchMode):
    """A context in which `saw` is called after every operator that runs."""

    supports_higher_order_operators = True  # they run as ever, and are seen

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple = (), named: dict | None = None
    ) -> Any:
        named = named or {}
        result = function(*arguments, **named)
        self.saw(function, arguments, named, result)
        return result

    def saw(self, function: Any, arguments: tuple, named: dict, result: Any) -> None:
        """function: the operator, an OpOverload; what it was given, and what it returned."""
        raise NotImplementedError


def tensors_of(tree: Any) -> list[Tensor]:
    """All tensors in nested lists, tuples and dictionaries, in their order."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
