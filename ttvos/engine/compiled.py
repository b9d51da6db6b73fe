"""A step compiled ahead of time for the CPU, and kept on disk for the next process.

An ahead-of-time package holds code and weights, and loads in milliseconds; PyTorch's own cache of
compiled code has nothing for layers with packed weights.
"""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ttvos.core.code_hash import code_hash
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path
from ttvos.core.folders import home_folder
from ttvos.core.provenance import cpu_name

Compiled = Callable[..., Any]


def cache_folder() -> Path | None:
    """Where compiled steps are kept: $TTVOS_CACHE, or ttvos/ in the user's cache folder.

    None for a user without a home folder: in a folder of everybody's, such as /tmp, somebody else
    could put code that would be run.
    """
    if named := os.environ.get("TTVOS_CACHE"):
        return Path(named) / "compiled"
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "ttvos" / "compiled"
    home = home_folder()
    return home / ".cache" / "ttvos" / "compiled" if home else None


def package_path(step: nn.Module, description: str, inputs: Sequence[Tensor]) -> Path | None:
    """The file of a step: its name is a hash over all that it depends on, weights included.

    None where `cache_folder` is.

    description: what the step's source does not say, e.g. the variant and the step's options.
    """
    folder = cache_folder()
    if folder is None:
        return None
    facts = {
        "step": description,
        "weights": _digest(step),
        "inputs": [[*tensor.shape, str(tensor.dtype), *tensor.stride()] for tensor in inputs],
        "code": code_hash("engine/step.py"),
        "torch": torch.__version__,
        "cpu": [cpu_name(), torch.backends.cpu.get_cpu_capability()],
        "threads": torch.get_num_threads(),  # the number is part of the generated code
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return folder / f"{digest[:24]}.pt2"


def load_compiled(path: Path | None) -> Compiled | None:
    """The compiled step kept at `path`; None where there is none that works."""
    if path is None or not os.path.isfile(path):  # unlike Path's, it takes no for forbidden
        return None
    try:
        return _load(path)
    except RuntimeError as error:  # a damaged file, or a library that it was linked to has gone
        warnings.warn(f"{path}: compiled code not usable, ignored ({error})", stacklevel=2)
        return None


def _load(path: Path) -> Compiled:
    """As torch._inductor.aoti_load_package, which first spends seconds on programs that try out
    the processor's instructions; the processor is part of the file's name."""
    from torch.export.pt2_archive._package import AOTICompiledModel

    loader = torch._C._aoti.AOTIModelPackageLoader(str(path), "model", False, 1, -1)
    return AOTICompiledModel(loader)


def with_layout_of(inputs: Sequence[Tensor], compiled: Compiled) -> Compiled:
    """The compiled step, each input copied first if it does not lie in memory as that of `inputs`
    does: compiled code takes the layout for granted and does not look."""
    layouts = [tensor.stride() for tensor in inputs]

    def call(*given: Tensor) -> Any:
        return compiled(*map(_laid_out_as, given, layouts))

    return call


def _laid_out_as(tensor: Tensor, strides: tuple[int, ...]) -> Tensor:
    if tensor.stride() == strides:
        return tensor
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype).copy_(tensor)


def compile_step(step: nn.Module, inputs: Sequence[Tensor], path: Path | None) -> Compiled:
    """Compile (tens of seconds, needs a C++ compiler), keep the result at `path`, and load it.

    Raises UserError where it cannot be compiled, or kept; `path` then stays as it was.
    """
    if path is None:
        raise UserError(
            "no home folder to keep compiled code in: set HOME, or TTVOS_CACHE to a folder of "
            "yours; --compile off does without"
        )
    try:
        with _quiet(), torch.no_grad(), atomic_path(path) as temporary:
            exported = torch.export.export(step, tuple(inputs))
            made = temporary.with_suffix(".pt2")
            torch._inductor.aoti_compile_and_package(exported, package_path=str(made))
            made.replace(temporary)
    except UserError as error:  # the disk's
        raise UserError(f"{error}; TTVOS_CACHE names another folder for compiled code") from error
    except Exception as error:  # the compiler's, the exporter's
        reason = str(error).strip().split("\n")[0]
        text = f"the tracker could not be compiled ({type(error).__name__}: {reason})"
        raise _without(f"{text}; is there a C++ compiler?") from error
    compiled = load_compiled(path)
    if compiled is None:
        raise _without(f"{path}: just compiled, and not usable;")
    return compiled


def _without(trouble: str) -> UserError:
    return UserError(
        f'{trouble} compile="off" does without',
        on_command_line=f"{trouble} --compile off does without",
    )


def _digest(step: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in step.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _quiet() -> warnings.catch_warnings:
    """Silence what PyTorch says of its own internals on the way."""
    return warnings.catch_warnings(action="ignore")
