"""GC: the mean of the contexts, and a constant state (docs/peers.md, section 2)."""

import numpy as np
import pytest
import torch

from tests.unit.peers.counting import built, calls_of, track
from ttvos.config.peers import load_records
from ttvos.measure.clip import disc_clip
from ttvos.measure.tracker_cost import cost_tracker
from ttvos.measure.tracker_speed import state_bytes
from ttvos.peers.base import make_seeded
from ttvos.peers.gc import GC, Context, Distribution, GlobalContext
from ttvos.peers.stm import STMNetwork


def test_a_running_tracker_does_what_its_parts_do():
    macs = cost_tracker(built("gc"), 32, 48)["macs"]
    product = 2 * 3 * 128 * 512
    assert macs["init"] == 0
    assert macs["parts"]["other"] == 0
    assert macs["parts"]["context"] == macs["parts"]["distribution"] == product
    assert len(set(macs["steps"])) == 1
    assert macs["parts"].keys() - {"other"} == load_records()["gc"].expected.parts.keys()


class TestContext:
    def test_it_is_the_formula_of_the_record(self):
        torch.manual_seed(0)
        key, value = torch.randn(2, 128, 3, 4), torch.randn(2, 512, 3, 4)
        attention = key.flatten(2).softmax(dim=2)
        expected = torch.einsum("okp,ovp->okv", attention, value.flatten(2))
        torch.testing.assert_close(Context()(key, value), expected)

    def test_a_query_that_picks_a_channel_gets_its_row(self):
        torch.manual_seed(2)
        context = torch.rand(2, 128, 512)
        query = torch.zeros(1, 128, 1, 2)
        query[0, 5, 0, 0] = query[0, 70, 0, 1] = 100
        found = Distribution()(query, context)
        assert found.shape == (2, 512, 1, 2)
        torch.testing.assert_close(found[:, :, 0, 0], context[:, 5])
        torch.testing.assert_close(found[:, :, 0, 1], context[:, 70])

    def test_the_mean_decays_with_1_over_t(self):
        context = GlobalContext(torch.zeros(1, 2, 2))
        for value in (8.0, 4.0, 0.0, 0.0):
            before = context.mean.clone()
            context.add(torch.full((1, 2, 2), value))
            t = context.frames
            torch.testing.assert_close(context.mean, (t - 1) / t * before + value / t)
        assert context.mean[0, 0, 0].item() == pytest.approx(3)


class TestTracking:
    def test_its_context_is_the_mean_of_those_of_the_frames_before(self):
        tracker, (frames, mask) = built("gc"), disc_clip(7, 32, 48, objects=2)
        with calls_of(tracker.context) as contexts, calls_of(tracker.distribution) as reads:
            track(tracker, frames, mask)
        assert len(contexts) == len(reads) == 6
        for t, ((_, context), _) in enumerate(reads, start=1):
            mean = torch.stack([output for _, output in contexts[:t]]).mean(dim=0)
            torch.testing.assert_close(context, mean)
        assert not torch.allclose(contexts[0][1][0], contexts[0][1][1]), "objects share a context"

    def test_its_state_does_not_grow(self):
        tracker, (frames, mask) = built("gc"), disc_clip(5, 40, 60, objects=2)
        state = tracker.init(frames[0], mask)
        first = state_bytes(state)
        for frame in frames[1:]:
            _, state = tracker.step(frame, state)
            assert state_bytes(state) == first
        assert first >= 2 * 128 * 512 * 4

    def test_weights_of_stms_names_load(self, tmp_path):
        source = make_seeded(STMNetwork, seed=1).state_dict()
        torch.save({f"module.{name}": value for name, value in source.items()}, tmp_path / "w.pth")
        loaded = GC(weights=tmp_path / "w.pth")
        assert all(torch.equal(loaded.network.state_dict()[name], source[name]) for name in source)
        frames, mask = disc_clip(2, 32, 48)
        assert (np.stack(track(loaded, frames, mask)) != track(built("gc"), frames, mask)).any()
