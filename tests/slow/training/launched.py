"""A tiny training as a process of its own: python -m tests.slow.training.launched CONFIG OUT [how].

CONFIG: a TrainConfig as JSON. how: "frozen" keeps all batch-norms in eval mode; "error" and
"killed" end the last of several processes in its third step, by a bug or by SIGKILL; "slow" makes
every step last a second.
"""

import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path

import torch

from tests.unit.training.tiny import EXP8
from ttvos.config.run import TrainConfig
from ttvos.config.settings import build
from ttvos.model.ttvos import TTVOS
from ttvos.training import loop
from ttvos.training.ttvos import train


def main(config: str, out: str, how: str = "") -> None:
    torch.set_num_threads(1)
    if how == "frozen":
        TTVOS.train = lambda model, mode=True: torch.nn.Module.train(model, False)
    original, steps = loop._learn, itertools.count()

    def learn(run, *arguments):
        if next(steps) == 2 and run.group.rank == run.group.size - 1:
            if how == "error":
                raise ZeroDivisionError("a bug")
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
        if how == "slow":
            time.sleep(1)
        return original(run, *arguments)

    loop._learn = learn
    train(build(TrainConfig, json.loads(config), "test"), EXP8, "hrnet", 0, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
