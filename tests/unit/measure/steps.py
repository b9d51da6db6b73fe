"""A profile that is quick to time, for the tests of `ttvos steptime`."""

from pathlib import Path
from typing import Any

from ttvos.config.run import Config
from ttvos.plan.run import parse_config

SIZE = {"height": 32, "width": 48, "frames": 3, "batch": 2, "learning_rate": 0.001}


def profile(data: Path | str, **train: Any) -> Config:
    """Two rows and two seeds: a stage of stills for 2 epochs, one of videos for 7 steps."""
    stills = {"name": "stills", "source": "stills", "roots": ["{ecssd}", "{hku-is}"], **SIZE}
    videos = {"name": "davis", "source": "davis", "roots": ["{davis2017}"], "gaps": 2, **SIZE}
    stages = [{**stills, "epochs": 2, "augment": False}, {**videos, "steps": 7, "years": [2016]}]
    values = {"profile": "quick", "title": "", "caution": "", "results": "results"}
    values |= {"rows": ["exp8-hrnet", "exp1-hrnet"], "seeds": [0, 1], "data": str(data)}
    davis = {"davis17": {"root": "{davis2017}", "year": 2017}}
    return parse_config({**values, "datasets": davis, "train": {"stages": stages, **train}})
