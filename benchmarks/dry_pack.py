"""A folder like `benchmarks/pack.py`'s, of drawn clips, to try `benchmarks/gpu.sh` without data.

python benchmarks/dry_pack.py FOLDER
"""

import shutil
import sys
from pathlib import Path

import yaml

from ttvos.config.run import MiniConfig, as_plain
from ttvos.core.shipped_weights import find_weights
from ttvos.data.builtin.clips import generate

CLIPS = MiniConfig(height=64, width=96, frames=6, train_clips=4, val_clips=1, stills=4)


def main(folder: Path) -> None:
    """Write train, val, ecssd, stills-extra, initial.safetensors, and dry.yaml for `steptime`."""
    drawn = folder / "drawn"
    generate(drawn, CLIPS)
    for name in ("train", "val"):
        shutil.copytree(drawn / "davis", folder / name)
    for name in ("ecssd", "stills-extra"):
        shutil.copytree(drawn / "stills", folder / name)
    shutil.copyfile(find_weights("mini-hrnet-backbone"), folder / "initial.safetensors")
    stage = {"name": "davis", "source": "davis", "roots": [str(folder / "train")], "steps": 2}
    stage |= {"height": 48, "width": 64, "frames": 3, "batch": 2, "learning_rate": 0.001}
    profile = {"profile": "dry", "title": "Dry run", "caution": "", "results": str(folder)}
    profile |= {"rows": ["exp8-hrnet"], "datasets": {}, "mini": as_plain(CLIPS)}
    profile |= {"train": {"stages": [stage]}}
    (folder / "dry.yaml").write_text(yaml.safe_dump(profile))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
