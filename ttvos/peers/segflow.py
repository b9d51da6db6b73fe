"""SegFlow: a ResNet101 for the object and a FlowNetS for its motion, whose features meet.

Written from docs/peers.md, section 4.3. The branches meet at three sizes, before two heads. No
mask enters the network: it learns the object on frame 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torchvision.models import resnet101

from ttvos.peers.base import ClipState, Found
from ttvos.peers.blocks import middle
from ttvos.peers.online import OnlineTracker, Weights, augmented, balanced_loss
from ttvos.peers.vgg import to_vgg_image
from ttvos.tracking.geometry import likeliest, resize

FLOW_MULTIPLE = 64
SEGMENTATION = (2048, 1024, 512)  # channels of res5, res4, res3
MOTION = (770, 386, 194)  # of FlowNetS's concat4, concat3, concat2
MOMENTUM = 0.9


class Segmenter(nn.Module):
    """ResNet101 to 1/32, as Caffe's: a stage halves at its first 1x1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        resnet = resnet101(weights=None, zero_init_residual=True)
        self.conv1, self.bn1 = resnet.conv1, resnet.bn1
        self.pool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.stages = nn.ModuleList([resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4])
        for stage in self.stages[1:]:
            stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        """images (N, 3, H, W) as `to_vgg_image` -> res5, res4, res3, at 1/32, 1/16 and 1/8."""
        x = self.pool(F.relu(self.bn1(self.conv1(images))))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features[:0:-1]


class Contract(nn.Sequential):
    """A convolution with a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
        super().__init__(conv, nn.LeakyReLU(0.1))


class Expand(nn.Module):
    """Doubles a feature's size and adds the flow that it shows, beside the encoder's feature."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.deconv = nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)
        self.flow = nn.Conv2d(inputs, 2, kernel_size=3, padding=1)
        self.flow_up = nn.ConvTranspose2d(2, 2, kernel_size=4, stride=2, padding=1)

    def forward(self, feature: Tensor, deeper: Tensor) -> Tensor:
        larger = F.leaky_relu(self.deconv(deeper), 0.1)
        return torch.cat([feature, larger, self.flow_up(self.flow(deeper))], dim=1)


class FlowNetS(nn.Module):
    """Optical flow's features of two frames at once.

    The flow that each size shows enters the next one; that of the finest nothing reads, but the
    public network computes it, and the facts' counts have it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Contract(6, 64, kernel=7, stride=2)
        self.conv2 = Contract(64, 128, kernel=5, stride=2)
        self.conv3 = nn.Sequential(Contract(128, 256, kernel=5, stride=2), Contract(256, 256))
        self.conv4 = nn.Sequential(Contract(256, 512, stride=2), Contract(512, 512))
        self.conv5 = nn.Sequential(Contract(512, 512, stride=2), Contract(512, 512))
        self.conv6 = nn.Sequential(Contract(512, 1024, stride=2), Contract(1024, 1024))
        self.expand5 = Expand(1024, 512)
        self.expand4 = Expand(512 + 512 + 2, 256)
        self.expand3 = Expand(MOTION[0], 128)
        self.expand2 = Expand(MOTION[1], 64)
        self.flow2 = nn.Conv2d(MOTION[2], 2, kernel_size=3, padding=1)

    def forward(self, images: Tensor, others: Tensor) -> list[Tensor]:
        """Two frames, (N, 3, H, W) each -> concat4, concat3, concat2, at 1/16, 1/8 and 1/4."""
        height, width = (side + -side % FLOW_MULTIPLE for side in images.shape[-2:])
        pair = resize(torch.cat([images, others], dim=1), (height, width))
        c2 = self.conv2(self.conv1(pair))
        c3 = self.conv3(c2)
        c4 = self.conv4(c3)
        c5 = self.conv5(c4)
        concat4 = self.expand4(c4, self.expand5(c5, self.conv6(c5)))
        concat3 = self.expand3(c3, concat4)
        concat2 = self.expand2(c2, concat3)
        self.flow2(concat2)
        return [concat4, concat3, concat2]


class Head(nn.Module):
    """Two scores for each pixel from three sizes: the deeper ones doubled and added."""

    def __init__(self) -> None:
        super().__init__()
        pairs = zip(SEGMENTATION, MOTION, strict=True)
        self.scores = nn.ModuleList(nn.Conv2d(a + b, 2, kernel_size=1) for a, b in pairs)
        double = {"kernel_size": 4, "stride": 2, "bias": False}
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2, 2, **double) for _ in range(2))
        self.full = nn.ConvTranspose2d(2, 2, kernel_size=16, stride=8, bias=False)

    def forward(self, features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """features at 1/32, 1/16, 1/8 -> (N, 2, *size)."""
        x = self.scores[0](features[0])
        levels = zip(self.scores[1:], self.enlarge, features[1:], strict=True)
        for score, enlarge, feature in levels:
            x = score(feature) + middle(enlarge(x), feature.shape[-2:])
        return middle(self.full(x), size)


class SegFlowNetwork(nn.Module):
    """Both branches and their two heads."""

    def __init__(self) -> None:
        super().__init__()
        self.segmenter, self.flownet = Segmenter(), FlowNetS()
        self.segmentation, self.flow = Head(), Head()

    def forward(self, images: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        """A frame and its neighbour, (N, 3, H, W) each -> two (N, 2, H, W).

        The scores of background and object, and the optical flow in pixels.
        """
        joined = []
        for own, motion in zip(self.segmenter(images), self.flownet(images, others), strict=True):
            pooled = F.max_pool2d(motion, kernel_size=3, stride=2, ceil_mode=True)
            height, width = own.shape[-2:]
            joined.append(torch.cat([own, pooled[..., :height, :width]], dim=1))
        size = images.shape[-2:]
        return self.segmentation(joined, size), self.flow(joined, size)


@dataclass(frozen=True)
class SegFlowState(ClipState):
    """weights: each object's own, empty where nothing was fine-tuned. previous: (1, 3, H, W)."""

    weights: tuple[Weights, ...]
    previous: Tensor


class SegFlow(OnlineTracker):
    """SegFlow with random weights, for cost and speed: one pass a frame for each object.

    The published number of updates is unknown; the loss sums over pixels.
    """

    name = "segflow"
    network_class = SegFlowNetwork
    rate = 1e-9

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {
            "ResNet101": (self.network.segmenter,),
            "FlowNetS": (self.network.flownet,),
            "heads": (self.network.segmentation, self.network.flow),
        }

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> SegFlowState:
        """Without updates the mask gives no more than the ids."""
        weights = self._learned(frame, mask, ids)
        return SegFlowState(ids, mask.shape, weights, self._image(frame))

    def _follow(self, frame: np.ndarray, state: SegFlowState) -> tuple[Found, SegFlowState]:
        frames = (self._image(frame), state.previous)
        scores = [functional_call(self.network, own, frames)[0] for own in state.weights]
        foreground = torch.cat(scores).softmax(dim=1)[:, 1]
        return Found(likeliest(foreground), foreground), replace(state, previous=frames[0])

    def _image(self, frame: np.ndarray) -> Tensor:
        return to_vgg_image(frame, self.device)

    def _optimiser(self, weights: Weights) -> torch.optim.Optimizer:
        # the flow's head has no target here
        learning = [weight for name, weight in weights.items() if not name.startswith("flow.")]
        return torch.optim.SGD(learning, lr=self.learning_rate, momentum=MOMENTUM)

    def _losses(self, weights: Weights, image: Tensor, target: Tensor) -> Iterator[Tensor]:
        for x, wanted in augmented(image, target, self.updates):
            scores, _ = functional_call(self.network, weights, (x, x))
            yield balanced_loss(object_logit(scores), wanted)


def object_logit(scores: Tensor) -> Tensor:
    """(N, 2, H, W) scores -> (N, 1, H, W): the logit whose sigmoid is the object's softmax."""
    return scores[:, 1:] - scores[:, :1]
