"""What several peers share: frames into tensors, padding, aggregation by odds, strict weights.

Nothing here runs code from a weights file: `torch.load(weights_only=True)`, or safetensors.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ttvos.core.device import find_device
from ttvos.core.errors import UserError
from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD
from ttvos.model import statedict
from ttvos.tracking.protocol import check_size as check_size

Network = TypeVar("Network", bound=nn.Module)

ODDS_LIMIT = 1e-7
PARALLEL_PREFIX = "module."  # what nn.DataParallel puts before every name
COUNTER = "num_batches_tracked"  # of batch-norm; no prediction depends on it


def to_image(frame: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """frame (H, W, 3) uint8 RGB -> (1, 3, H, W) float32 in [0, 1]."""
    image = torch.from_numpy(np.ascontiguousarray(frame)).to(device)
    return image.permute(2, 0, 1)[None].contiguous().float() / 255


def normalise(images: Tensor) -> Tensor:
    """(N, 3, H, W) RGB in [0, 1] -> with ImageNet mean 0 and standard deviation 1."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=images.device).view(1, 3, 1, 1)
    return (images - mean) / std


def margins(size: int, multiple: int) -> tuple[int, int]:
    """Pixels added before and after, floor and ceil of half, up to the next multiple."""
    total = -size % multiple
    return total // 2, total - total // 2


def pad(x: Tensor, multiple: int) -> Tensor:
    """Zero-pad the last two axes to multiples, on both sides (docs/peers.md, section 1.1)."""
    height, width = x.shape[-2:]
    return F.pad(x, (*margins(width, multiple), *margins(height, multiple)))


def crop(x: Tensor, size: tuple[int, int], multiple: int) -> Tensor:
    """Undo `pad`: the last two axes become `size`, (H, W) before padding."""
    height, width = size
    top, left = margins(height, multiple)[0], margins(width, multiple)[0]
    return x[..., top : top + height, left : left + width]


def aggregate(foreground: Tensor) -> Tensor:
    """Objects' own probabilities (O, H, W) -> (O + 1, H, W) that sum to 1; [0] is background.

    The background's is the product of the complements (docs/peers.md, section 1.7).
    """
    background = (1 - foreground).prod(dim=0, keepdim=True)
    return shares_of_odds(torch.cat([background, foreground]))


def shares_of_odds(probabilities: Tensor) -> Tensor:
    """(K, H, W) in [0, 1], of K rivals -> each one's share of the odds, which sum to 1.

    Probabilities are clamped to [1e-7, 1 - 1e-7]; it equals the softmax of their logits.
    """
    clamped = probabilities.clamp(ODDS_LIMIT, 1 - ODDS_LIMIT)
    odds = clamped / (1 - clamped)
    return odds / odds.sum(dim=0, keepdim=True)


def likeliest(foreground: Tensor) -> Tensor:
    """Probabilities (O, H, W) -> (H, W) int64: o + 1 of the likeliest object above 0.5, else 0."""
    best, found = foreground.max(dim=0)
    return torch.where(best > 0.5, found + 1, 0)


def as_ids(labels: Tensor, ids: tuple[int, ...]) -> np.ndarray:
    """(H, W) whole numbers, 0 = background, o + 1 = object o -> (H, W) uint8 ids."""
    return np.array([0, *ids], dtype=np.uint8)[labels.cpu().numpy()]


def make_seeded(make: Callable[[], Network], seed: int = 0) -> Network:
    """What `make` builds, its random weights drawn from `seed`; torch's own seed is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def build_network(
    make: Callable[[], Network],
    device: str = "cpu",
    weights: Path | str | None = None,
    nested: str | None = None,
) -> Network:
    """A network on its device, in eval mode, without gradients.

    weights: a file for `read_weights` and `fill`; None gives random weights of seed 0.
    Raises UserError for an unknown device, and as `read_weights` and `fill` do.
    """
    target = find_device(device)
    tensors = None if weights is None else read_weights(weights, nested)
    network = make_seeded(make)
    if tensors is not None:
        fill(network, tensors, str(weights))
    return network.eval().requires_grad_(False).to(target)


def refuse_weights(peer: str, weights: Path | str | None) -> None:
    """Raise UserError if there are weights, for a peer that can load none."""
    if weights is not None:
        raise UserError(
            f"{peer}: cost only: the names in the published weights' file are not among the "
            f"facts, so {weights} cannot be loaded; leave the weights out"
        )


def read_weights(path: Path | str, nested: str | None = None) -> dict[str, Tensor]:
    """The state dict of a `.safetensors` file or of one that torch.save wrote, on the CPU.

    nested: the key under which the state dict may stand, such as "model" or "net"; a file
    without that key is read as the state dict itself. `module.` before all names is removed.
    Raises UserError for a missing, damaged or unsafe file, or one without a state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such weights file")
    content = (
        _read_safetensors(path) if path.suffix == ".safetensors" else statedict.read_pickled(path)
    )
    if isinstance(content, dict) and nested in content:
        content = content[nested]
    if not statedict.is_state_dict(content):
        place = "" if nested is None else f", nor one under {nested!r}"
        raise UserError(f"{path}: holds no state dict{place}; save one of names and tensors")
    if all(name.startswith(PARALLEL_PREFIX) for name in content):
        return {name.removeprefix(PARALLEL_PREFIX): value for name, value in content.items()}
    return content


def fill(module: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """`ttvos.model.statedict.fill`; batch-norm's `num_batches_tracked` may be absent, as in
    files of
    before PyTorch 0.4.1. where: how an error names the source."""
    statedict.fill(module, tensors, f"{where}: does not fit {type(module).__name__}", COUNTER)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path}: damaged, or not a safetensors file ({error})") from None
