"""Live accuracy on real video: what the issue of lateness is about."""

import pytest

from ttvos.measure.live import live
from ttvos.measure.live_clip import MaskFollower
from ttvos.measure.live_latency import given_latency


@pytest.mark.parametrize(("fps", "lost"), [(25, 24), (1e12, 0)])
def test_a_perfect_mask_one_frame_late_loses_24_j_points_on_8_davis_sequences(shared, fps, lost):
    davis = shared / "data/davis2016-val8"
    late = given_latency(fps, "an ideal one")
    found = live(MaskFollower(davis / "Annotations", "the truth"), davis, 2016, "val", [25], late)
    assert found.offline.jf_mean == 1
    assert round(100 * (1 - found.rates[0].means.j_mean)) == lost
