"""Weights files of ours and of others: read without running code, filled in strictly, written.

The one way for every network here, TTVOS's and the peers': `read_tensors` takes a `.safetensors`
file or what torch.save wrote (`.pth`, `.pth.tar`), whoever knows the file's names gives them ours,
and `fill` holds names and shapes to the module's own. All trouble is a UserError with the file.
"""

import pickle
import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path

OWN = "ttvos-"  # what the format of a file of ours begins with
PARALLEL_PREFIX = "module."  # what nn.DataParallel puts before every name
COUNTER = "num_batches_tracked"  # of batch-norm; no prediction depends on it

StateDict = dict[str, Tensor]


def read_tensors(path: Path | str, nested: str | None = None) -> StateDict:
    """The state dict of a file, on the CPU, without a `module.` that stands before all names.

    nested: the key under which a file of torch.save may hold the state dict, such as "model" or
    "net"; a file without that key is read as the state dict itself.
    Raises UserError for a missing or damaged file, one that holds code or objects beside weights,
    or one without a state dict.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        with _open_safetensors(path) as handle:
            content = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    else:
        content = read_pickled(path)
    if isinstance(content, dict) and nested in content:
        content = content[nested]
    if (
        not isinstance(content, dict)
        or not content
        or not all(map(torch.is_tensor, content.values()))
    ):
        place = "" if nested is None else f", nor one under {nested!r}"
        raise UserError(f"{path}: holds no state dict{place}; save one of names and tensors")
    if all(name.startswith(PARALLEL_PREFIX) for name in content):
        return under(content, PARALLEL_PREFIX)
    return content


def read_facts(path: Path | str) -> dict[str, str]:
    """What a file of ours says of itself ("format", "backbone", ...); {} for any other file.

    Raises UserError for a missing or damaged `.safetensors` file.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        return {}
    with _open_safetensors(path) as handle:
        facts = dict(handle.metadata() or {})
    return facts if facts.get("format", "").startswith(OWN) else {}  # other tools write "pt" there


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


def _open_safetensors(path: Path):
    try:
        return safe_open(path, framework="pt", device="cpu")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path}: truncated, or not a safetensors file ({error}); fetch or make it again"
        ) from None


def under(tensors: StateDict, prefix: str) -> StateDict:
    """The tensors whose names begin with the prefix, by their names without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def fill(module: nn.Module, tensors: StateDict, where: str, optional: str | None = None) -> None:
    """Copy `tensors` into `module`; names and shapes must be exactly the module's.

    where: how an error begins: the file, and what it should have been. optional: how names end
    that may be missing, such as `COUNTER`, which files of before PyTorch 0.4.1 lack.
    Raises UserError with the first three names of each trouble (missing, unexpected, of another
    shape), or for values that are not finite.
    """
    expected = module.state_dict()
    may_lack = (optional,) if optional else ()
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


def write_tensors(
    tensors: StateDict, path: Path | str, facts: dict[str, str], half: bool = False
) -> None:
    """Write a `.safetensors` file of ours atomically; facts: what `read_facts` will give.

    half: layers' weights as float16; biases and batch-norm statistics (one axis) stay float32, as
    they are few, and a batch-norm's variance can leave float16's range.
    """
    ready = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    if half:
        ready = {
            name: value.half() if value.is_floating_point() and value.dim() > 1 else value
            for name, value in ready.items()
        }
    with atomic_path(path) as temporary:
        temporary.write_bytes(to_bytes(ready, facts))
