"""STM: a state dict of the released names loads, any other is refused.

Facts: docs/peers.md, section 1.11.
"""

import numpy as np
import pytest
import torch
from ttvos.peers.common import make_seeded

from tests.unit.peers.test_stm import track
from ttvos.core.errors import UserError
from ttvos.measure.clip import disc_clip
from ttvos.peers.stm import STM, STMNetwork


def convolution(name: str, shape: tuple[int, ...], bias: bool = True) -> dict[str, tuple]:
    return {f"{name}.weight": shape} | ({f"{name}.bias": shape[:1]} if bias else {})


def batch_norm(name: str, channels: int) -> dict[str, tuple]:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (channels,) for kind in kinds} | {f"{name}.num_batches_tracked": ()}


def stage(name: str, blocks: int, channels: int, inside: int) -> dict[str, tuple]:
    """A stage of ResNet50: blocks of 1x1, 3x3 and 1x1 convolutions, the first with a shortcut."""
    found: dict[str, tuple] = {}
    for i in range(blocks):
        entering = channels if i == 0 else 4 * inside
        shapes = [(inside, entering, 1, 1), (inside, inside, 3, 3), (4 * inside, inside, 1, 1)]
        for number, shape in enumerate(shapes, start=1):
            found |= convolution(f"{name}.{i}.conv{number}", shape, bias=False)
            found |= batch_norm(f"{name}.{i}.bn{number}", shape[0])
    found |= convolution(f"{name}.0.downsample.0", (4 * inside, channels, 1, 1), bias=False)
    return found | batch_norm(f"{name}.0.downsample.1", 4 * inside)


def encoder(name: str, firsts: dict[str, int]) -> dict[str, tuple]:
    found = {f"{name}.mean": (1, 3, 1, 1), f"{name}.std": (1, 3, 1, 1)}
    for first, channels in firsts.items():
        found |= convolution(f"{name}.{first}", (64, channels, 7, 7), bias=False)
    found |= batch_norm(f"{name}.bn1", 64)
    found |= stage(f"{name}.res2", 3, 64, 64) | stage(f"{name}.res3", 4, 256, 128)
    return found | stage(f"{name}.res4", 6, 512, 256)


def released() -> dict[str, tuple]:
    """Names and shapes of the released state dict, without `module.`.

    Facts: docs/peers.md, section 1.11.
    """
    found = encoder("Encoder_M", {"conv1_m": 1, "conv1_o": 1, "conv1": 3})
    found |= encoder("Encoder_Q", {"conv1": 3})
    for name in ("KV_M_r4", "KV_Q_r4"):
        found |= convolution(f"{name}.Key", (128, 1024, 3, 3))
        found |= convolution(f"{name}.Value", (512, 1024, 3, 3))
    entering = {"convFM": 1024, "RF3.convFS": 512, "RF2.convFS": 256}
    blocks = ["ResMM", "RF3.ResFS", "RF3.ResMM", "RF2.ResFS", "RF2.ResMM"]
    entering |= {f"{block}.conv{i}": 256 for block in blocks for i in (1, 2)}
    for name, channels in entering.items():
        found |= convolution(f"Decoder.{name}", (256, channels, 3, 3))
    return found | convolution("Decoder.pred2", (2, 256, 3, 3))


def test_names_and_shapes():
    found = {name: tuple(value.shape) for name, value in STMNetwork().state_dict().items()}
    assert found == released()


def test_a_file_of_the_released_names_gives_the_networks_output(tmp_path):
    source = make_seeded(STMNetwork, seed=1).eval()
    state = source.state_dict()
    torch.manual_seed(4)
    for value in state.values():  # so that no statistic and no buffer is as a new network has it
        if value.is_floating_point():
            value *= 1 + 0.2 * torch.rand_like(value)
    named = {f"module.{name}": state[name].reshape(shape) for name, shape in released().items()}
    torch.save(named, tmp_path / "STM_weights.pth")
    loaded, made = STM(weights=tmp_path / "STM_weights.pth"), STM()
    made.network = source
    frames, mask = disc_clip(4, 32, 48, objects=2)
    found = np.stack(track(loaded, frames, mask))
    assert (found == np.stack(track(made, frames, mask))).all()
    assert (found != np.stack(track(STM(), frames, mask))).any()


def test_a_wrong_name_is_one_line(tmp_path):
    state = STMNetwork().state_dict()
    state["Decoder.pred3.bias"] = state.pop("Decoder.pred2.bias")
    path = tmp_path / "STM_weights.pth"
    torch.save({f"module.{name}": value for name, value in state.items()}, path)
    with pytest.raises(UserError) as caught:
        STM(weights=path)
    assert str(caught.value) == (
        f"{path}: does not fit STMNetwork: 1 missing (Decoder.pred2.bias); "
        "1 unexpected (Decoder.pred3.bias)"
    )
