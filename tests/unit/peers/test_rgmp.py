"""RGMP: sizes of the three scales, runs, and their mixture (docs/peers.md, section 4.1)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built
from ttvos.peers import rgmp

SIZE = (480, 854)


def test_sizes_at_the_three_scales_are_those_of_the_facts() -> None:
    frame = torch.zeros(1, 1, *SIZE)
    sizes = [tuple(rgmp.at_scale(frame, scale).shape[-2:]) for scale in rgmp.SCALES]
    assert sizes == [(288, 448), (416, 672), (512, 864)]


@pytest.mark.parametrize("scale", rgmp.SCALES)
def test_from_scale_puts_everything_back_in_its_place(scale: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(70.0), torch.arange(96.0), indexing="ij")
    frame = torch.stack([rows, columns])[None]
    back = rgmp.from_scale(rgmp.at_scale(frame, scale), scale, (70, 96))
    assert torch.allclose(back[..., 4:-4, 4:-4], frame[..., 4:-4, 4:-4], atol=1e-3)


def test_several_objects_have_an_inverse_run() -> None:
    tracker, (frame, mask) = built("rgmp"), disc_frame(0, DISCS)
    _, state = tracker.step(frame, tracker.init(frame, mask))
    assert state.previous.shape == (3, 1, 64, 96)
    state = tracker.init(frame, mask)
    assert state.previous.shape == (3, 1, 64, 96)
    assert torch.equal(state.previous[2, 0], torch.from_numpy(mask > 0).float())
    assert [tuple(r.shape[:2]) for r in state.references] == [(3, 2048)] * 3
    one = tracker.init(frame, (mask == 1).astype(np.uint8))
    assert one.previous.shape[0] == 1


def test_the_frame_the_mask_and_frame_0_all_count() -> None:
    tracker, (frame, mask) = built("rgmp"), disc_frame(0, DISCS[:1])
    moved = disc_frame(3, DISCS[:1])[0]
    state = tracker.init(frame, mask)
    shown = tracker.step(moved, state)[0].foreground
    others = [
        tracker.step(frame, state)[0].foreground,
        tracker.step(moved, tracker.init(moved, mask))[0].foreground,
        tracker.step(moved, tracker.init(frame, np.roll(mask, 30, axis=1)))[0].foreground,
    ]
    assert all(not np.allclose(shown, other, atol=1e-7) for other in others)


def test_shares_of_the_odds() -> None:
    one = torch.tensor([0.8]).view(1, 1, 1)
    assert rgmp.aggregate(one).flatten().tolist() == pytest.approx([0.2, 0.8])
    runs = torch.tensor([0.8, 0.5, 0.75]).view(3, 1, 1)
    # odds: background (1 - 0.75) -> 1/3, objects 4 and 1
    shares = rgmp.aggregate(runs)
    assert shares.flatten().tolist() == pytest.approx([1 / 16, 12 / 16, 3 / 16])
    assert rgmp.fed_back(shares).flatten().tolist() == pytest.approx([12 / 16, 3 / 16, 15 / 16])
    assert rgmp.fed_back(rgmp.aggregate(one)).flatten().tolist() == pytest.approx([0.8])


def test_masks_enter_before_the_batch_norm() -> None:
    encoder = built("rgmp").network.encoder
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, 64, 64, generator=generator)
    masks = torch.rand(2, 1, 64, 64, generator=generator)
    planes = torch.cat([image.expand(2, -1, -1, -1), masks], dim=1)
    weight = torch.cat([encoder.conv1.weight, encoder.mask_conv.weight], dim=1)
    x = F.conv2d(planes, weight, encoder.mask_conv.bias, stride=2, padding=3)
    expected = encoder.stages[0](encoder.pool(encoder.bn1(x).relu()))
    torch.testing.assert_close(encoder(image, masks)[0], expected, rtol=1e-4, atol=1e-5)


def test_the_decoder_is_that_of_the_facts() -> None:
    """docs/peers.md, section 4.1, step by step, with the decoder's weights by name."""
    network = built("rgmp").network
    weights = network.decoder.state_dict()
    generator = torch.Generator().manual_seed(0)
    shapes = [(256, 16, 24), (512, 8, 12), (1024, 4, 6), (2048, 2, 3), (2048, 2, 3)]
    *features, reference = (torch.randn(1, *shape, generator=generator) for shape in shapes)

    def conv(name: str, x: torch.Tensor) -> torch.Tensor:
        weight = weights[f"{name}.weight"]
        sides = [side // 2 for side in weight.shape[2:]]
        return F.conv2d(x, weight, weights[f"{name}.bias"], padding=sides)

    def pair(name: str, x: torch.Tensor) -> torch.Tensor:
        return x + conv(f"{name}.conv2", conv(f"{name}.conv1", x.relu()).relu())

    x = torch.cat([features[3], reference], dim=1)
    paths = (conv(f"join.{side}.1", conv(f"join.{side}.0", x)) for side in ("left", "right"))
    x = pair("joined", sum(paths))
    for i, feature in enumerate(features[2::-1]):
        lateral = pair(f"refine.{i}.before", conv(f"refine.{i}.lateral", feature))
        x = pair(f"refine.{i}.after", lateral + torch.nn.Upsample(None, 2, "bilinear")(x))
    expected = torch.nn.Upsample(None, 4, "bilinear")(conv("heads.3", x.relu()))
    found = network.decoder(features, reference)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
