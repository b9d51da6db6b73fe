"""`ttvos snapshot`: the weights of an unfinished training."""

import argparse

from ttvos.cli.options import DEFAULT_VARIANT, VARIANT, add_backbone


def add_options(command: argparse.ArgumentParser) -> None:
    text = "state.pt in the folder of the training"
    command.add_argument("--state", required=True, metavar="FILE", help=text)
    command.add_argument("--variant", default=DEFAULT_VARIANT, help=VARIANT)
    add_backbone(command, required=True)
    command.add_argument("--out", required=True, metavar="FILE", help="safetensors file to write")


def run(options: argparse.Namespace) -> None:
    from ttvos.config.experiments import find_variant
    from ttvos.config.run import TrainConfig
    from ttvos.training.state import snapshot
    from ttvos.training.ttvos import TTVOSTask

    variant = find_variant(options.variant)
    snapshot(
        options.state, TTVOSTask(TrainConfig(stages=()), variant, options.backbone), options.out
    )
    print(f"{options.out}: the weights of {options.state} so far")
