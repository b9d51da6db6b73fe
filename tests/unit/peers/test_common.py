"""What the peers share: images, padding, aggregation by odds, and weights that must fit."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ttvos.core.errors import UserError
from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD
from ttvos.peers import common


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.BatchNorm2d(4))


def same(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class TestImages:
    def test_a_frame_becomes_numbers_from_0_to_1(self):
        frame = np.zeros((2, 3, 3), np.uint8)
        frame[1, 2] = (0, 51, 255)
        image = common.to_image(frame)
        assert image.shape == (1, 3, 2, 3)
        assert image.is_contiguous()
        assert image[0, :, 1, 2].tolist() == pytest.approx([0, 0.2, 1])

    def test_normalised_mean_and_deviation(self):
        mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
        torch.testing.assert_close(common.normalise(mean), torch.zeros(1, 3, 1, 1))
        torch.testing.assert_close(common.normalise(mean + 2 * std), torch.full((1, 3, 1, 1), 2.0))


class TestPadding:
    @pytest.mark.parametrize("size", [(32, 48), (33, 47), (50, 31), (1, 100)])
    def test_crop_undoes_pad(self, size):
        x = torch.rand(2, 3, *size) + 1
        padded = common.pad(x, 16)
        assert [side % 16 for side in padded.shape[-2:]] == [0, 0]
        assert torch.equal(common.crop(padded, size, 16), x)
        assert padded.count_nonzero() == x.numel(), "what is added is not zero"

    def test_the_smaller_half_comes_first(self):
        assert common.margins(480, 16) == (0, 0)
        assert common.margins(854, 16) == (5, 5)
        assert common.margins(13, 16) == (1, 2)

    def test_masks_without_channels_are_padded_alike(self):
        assert common.pad(torch.ones(2, 480, 854), 16).shape == (2, 480, 864)


class TestAggregation:
    @pytest.mark.parametrize("objects", [1, 2, 12])
    def test_shares_sum_to_1_even_for_extreme_probabilities(self, objects):
        torch.manual_seed(0)
        foreground = torch.rand(objects, 20, 30)
        foreground[:, :3], foreground[:, 3:6] = 0, 1
        shares = common.aggregate(foreground)
        assert shares.shape == (objects + 1, 20, 30)
        torch.testing.assert_close(shares.sum(dim=0), torch.ones(20, 30))
        assert shares.min() >= 0
        assert torch.equal(shares[0, :3].round(), torch.ones(3, 30))

    def test_it_is_the_softmax_of_the_logits(self):
        torch.manual_seed(1)
        foreground = torch.rand(3, 8, 9, dtype=torch.float64)
        background = (1 - foreground[0]) * (1 - foreground[1]) * (1 - foreground[2])
        logits = torch.cat([background[None], foreground]).clamp(1e-7, 1 - 1e-7).logit()
        torch.testing.assert_close(common.aggregate(foreground), logits.softmax(dim=0))

    def test_one_object_by_hand(self):
        shares = common.aggregate(torch.full((1, 1, 1), 0.75))
        odds = 3, 1 / 3
        assert shares[1].item() == pytest.approx(odds[0] / sum(odds))

    def test_absent_objects_in_11_channels_would_change_less_than_a_millionth(self):
        torch.manual_seed(2)
        foreground = torch.rand(2, 50, 50, dtype=torch.float64)
        absent = torch.zeros(8, 50, 50, dtype=torch.float64)
        whole = common.aggregate(torch.cat([foreground, absent]))[:3]
        assert (whole - common.aggregate(foreground)).abs().max() < 1e-6

    def test_the_likeliest_above_a_half(self):
        foreground = torch.tensor([[0.6, 0.2, 0.5], [0.7, 0.4, 0.1]])[:, None]
        assert common.likeliest(foreground).tolist() == [[2, 0, 0]]

    def test_labels_become_ids(self):
        ids = common.as_ids(torch.tensor([[0, 1], [2, 0]]), (4, 200))
        assert ids.dtype == np.uint8
        assert ids.tolist() == [[0, 4], [200, 0]]


def test_a_frame_of_another_size_is_refused():
    common.check_size(np.zeros((4, 5, 3), np.uint8), (4, 5))
    with pytest.raises(UserError, match=r"\(4, 6\) in a clip of size \(4, 5\)"):
        common.check_size(np.zeros((4, 6, 3), np.uint8), (4, 5))


class TestBuilding:
    def test_two_are_equal_and_the_seed_outside_is_untouched(self):
        torch.manual_seed(3)
        expected = torch.rand(4)
        torch.manual_seed(3)
        one, two = common.build_network(small_network), common.build_network(small_network)
        assert torch.equal(torch.rand(4), expected)
        assert same(one, two)
        assert not one.training
        assert not any(p.requires_grad for p in one.parameters())

    def test_an_unknown_device_is_one_line(self):
        with pytest.raises(UserError, match="unknown device"):
            common.build_network(small_network, device="tpu")


class TestWeights:
    @pytest.fixture
    def network(self):
        torch.manual_seed(9)
        return small_network().eval()

    def load(self, path, nested=None) -> nn.Module:
        return common.build_network(small_network, weights=path, nested=nested)

    def test_safetensors(self, network, tmp_path):
        save_file(network.state_dict(), tmp_path / "w.safetensors")
        assert same(self.load(tmp_path / "w.safetensors"), network)

    def test_parallel_prefix_goes(self, network, tmp_path):
        torch.save(nn.DataParallel(network).state_dict(), tmp_path / "w.pth")
        assert all(name.startswith("module.") for name in torch.load(tmp_path / "w.pth"))
        assert same(self.load(tmp_path / "w.pth"), network)

    @pytest.mark.parametrize("content", [{"net": None, "epoch": 3}, None])
    def test_nested_where_it_is_nested(self, network, tmp_path, content):
        state = network.state_dict()
        torch.save(state if content is None else content | {"net": state}, tmp_path / "w.pth")
        assert same(self.load(tmp_path / "w.pth", nested="net"), network)

    def test_batch_norm_counters_may_be_absent(self, network, tmp_path):
        state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
        torch.save(state, tmp_path / "w.pth")
        assert same(self.load(tmp_path / "w.pth"), network)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda s: s.pop("0.bias"), r"1 missing \(0.bias\)"),
            (lambda s: s.update(fc=torch.ones(1)), r"1 unexpected \(fc\)"),
            (
                lambda s: s.update({"0.bias": torch.ones(5)}),
                r"1 of another shape \(0.bias \(5,\), expected \(4,\)\)",
            ),
            (lambda s: s["0.bias"].fill_(float("nan")), "0.bias holds values that are not finite"),
        ],
    )
    def test_what_does_not_fit_is_one_line(self, network, tmp_path, change, message):
        state = network.state_dict()
        change(state)
        torch.save(state, tmp_path / "w.pth")
        with pytest.raises(UserError, match=message) as caught:
            self.load(tmp_path / "w.pth")
        assert str(tmp_path / "w.pth") in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_many_missing_names_are_cut_short(self, network):
        with pytest.raises(UserError, match=r"6 missing \(0.weight, 0.bias, 1.weight, \.\.\.\)"):
            common.fill(network, {}, "here")

    def test_a_peer_that_can_load_none_says_so(self):
        common.refuse_weights("peer", None)
        with pytest.raises(UserError, match=r"peer: cost only: .* w\.pth cannot be loaded"):
            common.refuse_weights("peer", "w.pth")

    def test_files_that_hold_no_weights(self, tmp_path):
        (tmp_path / "noise.pth").write_bytes(b"no weights at all")
        (tmp_path / "noise.safetensors").write_bytes(b"no weights at all")
        torch.save({"epoch": 3}, tmp_path / "none.pth")
        torch.save({"a": small_network()}, tmp_path / "code.pth")
        expected = {
            "absent.pth": "no such weights file",
            "noise.pth": "damaged",
            "noise.safetensors": "damaged",
            "none.pth": "holds no state dict, nor one under 'net'",
            "code.pth": "refused, because it holds pickled code",
        }
        for name, message in expected.items():
            with pytest.raises(UserError, match=message) as caught:
                common.read_weights(tmp_path / name, nested="net")
            assert "\n" not in str(caught.value)
