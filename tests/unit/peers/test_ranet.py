"""RANet: similarity, ranking, and what a step looks at (docs/peers.md, section 4.5)."""

import pytest
import torch

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS
from ttvos.peers import ranet
from ttvos.peers.ranet import KEPT, PLACES, Correlation, Features, RANetNetwork, Ranking


class QuickBackbone(torch.nn.Module):
    """Features of the right shapes, which show the frame; in place of ResNet101's 64 GMAC."""

    def forward(self, images: torch.Tensor) -> Features:
        gray = images.mean(dim=1, keepdim=True)
        sides = ((512, 8), (1024, 16), (2048, 32))
        pooled = (torch.nn.functional.avg_pool2d(gray, s).repeat(1, c, 1, 1) for c, s in sides)
        return Features(*(torch.arange(x.shape[1]).view(1, -1, 1, 1).sin() + x for x in pooled))


@pytest.fixture(scope="module")
def tracker() -> ranet.RANet:
    """With the true heads after a quick backbone."""
    made = ranet.RANet()
    made.network.backbone = QuickBackbone()
    return made


def test_the_backbone_has_instance_norms_without_running_statistics() -> None:
    with torch.device("meta"):
        network = RANetNetwork()
    norms = [m for m in network.modules() if isinstance(m, torch.nn.InstanceNorm2d)]
    assert len(norms) == 104
    assert all(m.affine and not m.track_running_stats for m in norms)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_a_map_is_the_similarity_to_its_place() -> None:
    generator = torch.Generator().manual_seed(0)
    similarity = torch.nn.functional.normalize(torch.randn(1, 512, 3, 4, generator=generator))
    kernels = similarity.flatten(2)[0].T[..., None, None]
    maps = Correlation()(similarity, kernels)
    assert maps.shape == (1, 12, 3, 4)
    assert torch.allclose(maps[0].flatten(1).diag(), torch.ones(12), atol=1e-5)
    assert maps.max() <= 1 + 1e-5


@torch.inference_mode()
def test_ranking_sorts_by_maximum_and_score() -> None:
    ranking = Ranking().eval()
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(2, PLACES, 30, 54, generator=generator)
    maps *= torch.rand(2, PLACES, 1, 1, generator=generator)
    scores = ranking.scores(maps)
    assert scores.shape == (2, PLACES)
    found = ranking(maps)
    assert found.shape == (2, KEPT, 30, 54)
    ranked = maps.amax(dim=(2, 3)) + 0.2 * scores
    for n in range(2):
        order = ranked[n].argsort(descending=True)
        assert torch.equal(found[n], maps[n, order[:KEPT]])
    # a map's score is its place's: it does not say which map that is
    ranking.scores = lambda x: torch.zeros(2, PLACES).index_fill(1, torch.tensor([7]), 100.0)
    assert torch.equal(ranking(maps)[:, 0], maps[:, 7])


def test_places_of_object_and_background() -> None:
    masks = torch.zeros(2, 1, 480, 864)
    masks[0, 0, :32, :32] = 1  # the first place
    masks[0, 0, :32, 32:48] = 1  # half of the second
    masks[1, 0, 479, :8] = 1  # 8 pixels of 1024
    objects, background = ranet.find_places(masks)
    assert objects.shape == background.shape == (2, 405)
    assert objects[0, :3].tolist() == [1, 0.5, 0]
    assert background[0, :3].tolist() == [0, 0, 1]
    assert background[1].sum() == 405
    assert objects[1, 14 * 27].item() == pytest.approx(8 / 1024)


def test_two_objects_and_what_each_input_changes(tracker: ranet.RANet) -> None:
    frame, mask = disc_frame(0, DISCS)
    moved = disc_frame(3, DISCS)[0]
    state = tracker.init(frame, mask)
    assert state.previous.shape == (2, 1, 480, 864)
    assert state.kernels.norm(dim=1).flatten().tolist() == pytest.approx([1] * 405, rel=1e-4)
    _, following = tracker.step(moved, state)
    assert not torch.equal(following.previous, state.previous)
    assert following.kernels is state.kernels
    # one object's places with the other's previous mask: both decide
    places, previous = state.places[:, 1:], state.previous[:1]
    mixed = tracker.network(tracker._image(moved), state.kernels, places, previous)
    assert not torch.allclose(mixed, following.previous[:1], atol=1e-6)
    assert not torch.allclose(mixed, following.previous[1:], atol=1e-6)
