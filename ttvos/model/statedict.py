"""State dicts from strangers' files: read without running code, and held to a module's own."""

import pickle
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from ttvos.core.errors import UserError


def read_pickled(path: Path | str) -> object:
    """What torch.save wrote, tensors and plain data only, on the CPU.

    Raises UserError for a missing or damaged file, or one that holds code or other objects.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except pickle.UnpicklingError as error:
        foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
        if foreign is None:
            raise UserError(f"{path}: damaged, or not a PyTorch file; fetch it again") from None
        raise UserError(
            f"{path}: refused, because it holds pickled code or objects beside weights "
            f"({foreign[1]}); have its maker save the state dict alone"
        ) from None
    except Exception as error:  # unpickling a damaged file, torch raises almost anything
        reason = str(error).strip().split("\n")[0]
        raise UserError(
            f"{path}: truncated, or not a PyTorch file ({reason}); fetch it again"
        ) from None


def is_state_dict(content: object) -> bool:
    """Whether it is a dictionary of tensors, and not an empty one."""
    return (
        isinstance(content, dict) and bool(content) and all(map(torch.is_tensor, content.values()))
    )


def fill(module: nn.Module, tensors: dict[str, Tensor], where: str, optional: str = "") -> None:
    """Copy `tensors` into `module`; names and shapes must be exactly the module's.

    where: how an error begins. optional: how names end that may be missing; "" for none.
    Raises UserError with the first three names of each trouble (missing, unexpected, of another
    shape), or for values that are not finite.
    """
    expected = module.state_dict()
    may_lack = tuple([optional] if optional else [])
    troubles = {
        "missing": [n for n in expected if n not in tensors and not n.endswith(may_lack)],
        "unexpected": [n for n in tensors if n not in expected],
        "of another shape": [
            f"{n} {tuple(tensors[n].shape)}, expected {tuple(tensor.shape)}"
            for n, tensor in expected.items()
            if n in tensors and tensors[n].shape != tensor.shape
        ],
    }
    found = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in troubles.items()
        if names
    ]
    if found:
        raise UserError(f"{where}: {'; '.join(found)}")
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise UserError(f"{where}: {broken[0]} holds values that are not finite")
    module.load_state_dict(tensors, strict=not optional)
