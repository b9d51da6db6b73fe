"""The counter, against multiply-accumulates counted by hand; all under inference_mode."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ttvos.measure.macs import flop_counter, is_work

B, C, H, W = 2, 8, 16, 20  # a map
N, L, E = 5, 7, 16  # sequences, their length, channels of a token
ATTENTION = N * L * E * 3 * E + 2 * N * L * L * E + N * L * E * E  # in, both products, out


def attend():
    q, k = torch.zeros(2, 4, 30, 16), torch.zeros(2, 4, 50, 16)
    F.scaled_dot_product_attention(q, k, k)


def convolve(**options):
    weight = torch.zeros(6, C // options.get("groups", 1), 3, 3)
    F.conv2d(torch.zeros(B, C, H, W), weight, padding=1, **options)


def module(made, *shape, times=1):
    made.eval()(*[torch.zeros(shape)] * times)


CASES = {
    "convolution": (convolve, B * H * W * 6 * C * 9),
    "grouped": (lambda: convolve(groups=2), B * H * W * 6 * C * 9 // 2),
    "strided": (lambda: convolve(stride=2), B * H * W // 4 * 6 * C * 9),
    "transposed": (
        lambda: F.conv_transpose2d(torch.zeros(B, C, H, W), torch.zeros(C, 6, 4, 4), stride=2),
        B * H * W * C * 6 * 16,
    ),
    "linear": (lambda: module(nn.Linear(E, 24), N, L, E), N * L * E * 24),
    "of a vector": (lambda: torch.zeros(30, E) @ torch.zeros(E), 30 * E),
    "einsum": (
        lambda: torch.einsum("bqd,bkd->bqk", torch.zeros(2, 30, 16), torch.zeros(2, 50, 16)),
        2 * 30 * 50 * 16,
    ),
    "attention": (attend, 2 * (2 * 4 * 30 * 50 * 16)),
    "MultiheadAttention": (
        lambda: module(nn.MultiheadAttention(E, 4, batch_first=True), N, L, E, times=3),
        ATTENTION,
    ),
    "TransformerEncoderLayer": (
        lambda: module(nn.TransformerEncoderLayer(E, 4, 32, batch_first=True), N, L, E),
        ATTENTION + 2 * N * L * E * 32,
    ),
    "LSTM": (lambda: module(nn.LSTM(E, 8, num_layers=2), L, N, E), L * N * 32 * (E + 8 + 8 + 8)),
    "GRU": (lambda: module(nn.GRU(E, 8), L, N, E), L * N * 24 * (E + 8)),
    "grid_sample": (
        lambda: F.grid_sample(
            torch.zeros(B, C, H, W), torch.zeros(B, H, W, 2), align_corners=False
        ),
        0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_counts_are_those_by_hand(name):
    run, macs = CASES[name]
    with flop_counter() as counter, torch.inference_mode():
        run()
    assert counter.get_total_flops() == 2 * macs
    assert counter.uncounted == set()


def deform():
    from torchvision.ops import DeformConv2d

    DeformConv2d(3, 4, 3, padding=1)(torch.zeros(1, 3, 8, 8), torch.zeros(1, 18, 8, 8))


@torch.library.custom_op("ttvos_test::correlate", mutates_args=())
def correlate(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a @ b


UNCOUNTED = {
    "deformable": (deform, "torchvision::deform_conv2d"),
    "somebody's own": (lambda: correlate(*torch.zeros(2, 4, 4)), "ttvos_test::correlate"),
    "bilinear": (
        lambda: F.bilinear(*torch.zeros(2, 4, 4), torch.zeros(2, 4, 4)),
        "aten::_trilinear",
    ),
    "inverse": (lambda: torch.linalg.inv(torch.eye(3)), "aten::linalg_inv_ex"),
    "Fourier": (lambda: torch.fft.fft2(torch.zeros(4, 4)), "aten::_fft_c2c"),
    "distances": (lambda: torch.cdist(*torch.zeros(2, 40, 4)), "aten::_euclidean_dist"),
}


@pytest.mark.parametrize("name", UNCOUNTED)
def test_what_cannot_be_counted_is_named(name):
    run, operator = UNCOUNTED[name]
    with flop_counter() as counter, torch.inference_mode():
        run()
    assert counter.uncounted == {operator}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fused_layers_of_torchscript_are_named():
    """TorchScript runs them by oneDNN, without telling the dispatcher."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.ReLU()).eval()
    fused = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.script(net)))
    if "prim::mkldnn_convolution" not in str(fused.graph):
        pytest.skip("this PyTorch fuses nothing here")
    with flop_counter() as counter, torch.inference_mode():
        fused(torch.zeros(1, 3, 8, 8))
    assert counter.uncounted == {"prim::mkldnn_convolution"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aten::addmv", True),
        ("aten::_scaled_mm", True),
        ("aten::slow_conv_dilated2d", True),
        ("quantized::linear_dynamic", True),
        ("aten::add.Tensor", False),
        ("aten::upsample_linear1d", False),
        ("aten::linalg_vector_norm", False),
        ("prim::device", False),
    ],
)
def test_what_is_work(name, expected):
    assert is_work(name) == expected


def test_what_it_turns_off_is_on_again_even_after_an_error():
    def fail():
        with flop_counter():
            seen.append(settings())
            raise KeyError

    def settings():
        return torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()

    seen = [settings()]
    with pytest.raises(KeyError):
        fail()
    assert seen == [(True, True), (False, False)]
    assert settings() == (True, True)
