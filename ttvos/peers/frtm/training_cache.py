"""Target models of a frozen backbone, kept on disk: fitting them costs most of FRTM's training.

A fit depends on the backbone, on how it is done, and on the first frame and its mask; both arms
of Table 5 therefore need each of them once (docs/peers.md, section 3.8).
"""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from ttvos.files import atomic_path
from ttvos.provenance import settings_hash


class TargetCache:
    """Weights of target models by first frame, in a folder of their own for each `settings`.

    settings: all that decides a fit but the frame: backbone weights, options, code.
    """

    def __init__(self, folder: Path | str, settings: dict) -> None:
        self.folder = Path(folder) / settings_hash(settings)

    def get(self, image: Tensor, mask: Tensor) -> dict[str, Tensor] | None:
        """The weights fitted to that frame; None where they are not kept, or not readable."""
        path = self._path(image, mask)
        try:
            return load_file(path) if path.is_file() else None
        except (OSError, SafetensorError):  # fitted and written again
            return None

    def put(self, image: Tensor, mask: Tensor, weights: dict[str, Tensor]) -> None:
        """Keep the weights fitted to image (H,W,3) uint8 and mask (H,W)."""
        ready = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
        with atomic_path(self._path(image, mask)) as temporary:
            temporary.write_bytes(save(ready))

    def _path(self, image: Tensor, mask: Tensor) -> Path:
        digest = hashlib.sha256()
        for part in (image, mask):
            digest.update(f"{tuple(part.shape)} {part.dtype}".encode())
            digest.update(part.cpu().contiguous().numpy().tobytes())
        name = digest.hexdigest()
        return self.folder / name[:2] / f"{name[2:34]}.safetensors"
