"""DeepLabv3+ on Xception-65, without its classifier: FEELVOS's features of a frame.

Written from docs/peers.md, section 4.7. A separable convolution is one by channel and a 1x1 one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MIDDLE = 728  # channels of the middle flow
UNITS = 16  # of the middle flow
WIDTH = 256  # of the pyramid and of the decoder
RATES = (12, 24, 36)  # dilations of the pyramid
FINE_WIDTH = 48  # of what the decoder takes from the feature at 1/4
BACKBONE_EPS, EPS = 1e-3, 1e-5  # of batch norms


def convolution(
    inputs: int,
    outputs: int,
    kernel_size: int = 1,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    eps: float | None = EPS,
    relu: bool = True,
) -> nn.Sequential:
    """A convolution that keeps the size but for its stride, a batch norm, and a ReLU or none.

    eps: of the batch norm; None stands for a bias in its place.
    """
    shape = {"stride": stride, "padding": dilation * (kernel_size // 2), "dilation": dilation}
    conv = nn.Conv2d(inputs, outputs, kernel_size, groups=groups, bias=eps is None, **shape)
    # with batch norms that have seen nothing, PyTorch's own start would let the signal die out
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu" if relu else "linear")
    norm = [] if eps is None else [nn.BatchNorm2d(outputs, eps=eps)]
    return nn.Sequential(conv, *norm, *([nn.ReLU()] if relu else []))


def separable(
    inputs: int,
    outputs: int,
    kernel_size: int = 3,
    stride: int = 1,
    dilation: int = 1,
    eps: float | None = EPS,
    relu: bool = True,
) -> nn.Sequential:
    """One convolution by channel and one of 1x1, each as `convolution` makes it."""
    return nn.Sequential(
        convolution(inputs, inputs, kernel_size, stride, dilation, inputs, eps, relu),
        convolution(inputs, outputs, eps=eps, relu=relu),
    )


class Unit(nn.Module):
    """Three separable convolutions, each after a ReLU, and a shortcut.

    The shortcut is a 1x1 convolution where the width changes. Only the last one has the stride.
    """

    def __init__(
        self, inputs: int, widths: tuple[int, int, int], stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        same = inputs == widths[-1]
        how = {"eps": BACKBONE_EPS, "relu": False}
        self.shortcut = (
            nn.Identity() if same else convolution(inputs, widths[-1], stride=stride, **how)
        )
        ins, strides = (inputs, *widths[:2]), (1, 1, stride)
        self.convs = nn.ModuleList(
            separable(a, b, stride=s, dilation=dilation, **how)
            for a, b, s in zip(ins, widths, strides, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, widths[-1], h / stride, w / stride), rounded up."""
        return self.finish(x, self.begin(x))

    def begin(self, x: Tensor) -> Tensor:
        """What the first two convolutions make of x, at its size."""
        return self.convs[1](F.relu(self.convs[0](F.relu(x))))

    def finish(self, x: Tensor, begun: Tensor) -> Tensor:
        """The unit's result, from x and `begin(x)`."""
        return self.shortcut(x) + self.convs[2](F.relu(begun))


class Xception65(nn.Module):
    """The backbone, dilated where it would go below 1/8."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            convolution(3, 32, kernel_size=3, stride=2, eps=BACKBONE_EPS),
            convolution(32, 64, kernel_size=3, eps=BACKBONE_EPS),
        )
        self.first = Unit(64, (128,) * 3, stride=2)
        self.second = Unit(128, (256,) * 3, stride=2)
        self.middle = nn.Sequential(
            Unit(256, (MIDDLE,) * 3),
            *(Unit(MIDDLE, (MIDDLE,) * 3, dilation=2) for _ in range(UNITS)),
            Unit(MIDDLE, (MIDDLE, 1024, 1024), dilation=2),
        )
        widths = ((1024, 1536), (1536, 1536), (1536, 2048))
        self.last = nn.Sequential(*(separable(*w, dilation=4, eps=BACKBONE_EPS) for w in widths))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (N, 3, H, W) -> (N, 256, H/4, W/4) and (N, 2048, H/8, W/8), rounded up."""
        x = self.first(self.stem(images))
        fine = self.second.begin(x)
        return fine, self.last(self.middle(self.second.finish(x, fine)))


class Pyramid(nn.Module):
    """Five views of the last feature: of single pixels, of three wide windows, of all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = convolution(2048, WIDTH)
        wide = (separable(2048, WIDTH, dilation=rate) for rate in RATES)
        self.views = nn.ModuleList([convolution(2048, WIDTH), *wide])
        self.join = convolution((2 + len(RATES)) * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 2048, h, w) -> (N, 256, h, w)."""
        whole = self.whole(x.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        return self.join(torch.cat([whole, *(view(x) for view in self.views)], dim=1))


class Decoder(nn.Module):
    """Joins the pyramid's view with the finer feature of the backbone."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = convolution(256, FINE_WIDTH)
        self.convs = nn.Sequential(separable(WIDTH + FINE_WIDTH, WIDTH), separable(WIDTH, WIDTH))

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        """x (N, 256, h, w), fine (N, 256, H/4, W/4) -> (N, 256, H/4, W/4)."""
        return self.convs(torch.cat([stretch(x, fine.shape[-2:]), self.fine(fine)], dim=1))


def stretch(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, (N, C, h, w) -> (N, C, *size); the corners' pixels stay the corners'."""
    return F.interpolate(x, size, mode="bilinear", align_corners=True)
