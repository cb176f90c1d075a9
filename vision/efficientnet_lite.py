"""EfficientNet-Lite0: EfficientNet-B0 (Tan and Le 2019, Table 1) with ReLU6 and without squeeze-and-excitation.

timm has it too, and a test holds the two equal bit for bit; but timm brings torchvision and torch's compiler, whose
import costs more seconds than most jobs take with the network.
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

# Of each stage: blocks, kernel, stride of its first block, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000


class Lite0Network(nn.Module):
    """Pictures (B, 3, H, W) in -1..1; `stages` gives the maps of all stages, `pooled` and `logits` what follows."""

    def __init__(self):
        super().__init__()
        self.stem = convolution(3, STEM, kernel=3, stride=2)
        self.blocks = nn.ModuleList()
        inputs = STEM
        for count, kernel, stride, expansion, outputs in STAGES:
            first = InvertedResidual(inputs, outputs, kernel, stride, expansion)
            others = [InvertedResidual(outputs, outputs, kernel, 1, expansion) for _ in range(count - 1)]
            self.blocks.append(nn.Sequential(first, *others))
            inputs = outputs
        self.head = convolution(inputs, HEAD)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def stages(self, x: Tensor, count: int = len(STAGES)) -> list[Tensor]:
        """The maps of the first `count` stages, at strides 2, 4, 8, 16, 16, 32, 32."""
        x = self.stem(x)
        maps = []
        for stage in self.blocks[:count]:
            x = stage(x)
            maps.append(x)
        return maps

    def pooled(self, x: Tensor) -> Tensor:
        """(B, 1280), the mean over positions of the last map."""
        return F.adaptive_avg_pool2d(self.head(self.stages(x)[-1]), 1).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1000), the scores of ImageNet's classes."""
        return self.classifier(self.pooled(x))


class InvertedResidual(nn.Module):
    """A map widened, filtered channel by channel and narrowed; added to itself where that fits."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        widened = [convolution(inputs, wide)] if expansion > 1 else []
        filtered = convolution(wide, wide, kernel, stride, groups=wide)
        narrowed = convolution(wide, outputs)[:2]  # linear
        self.layers = nn.Sequential(*widened, filtered, narrowed)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.adds else self.layers(x)


class Halving(nn.Conv2d):
    """A convolution of stride 2 padded as TensorFlow pads: the odd pixel goes to the right and to the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kernel_size[0]
        missing = [max((math.ceil(side / 2) - 1) * 2 + kernel - side, 0) for side in x.shape[:-3:-1]]
        padding = [part for total in missing for part in (total // 2, total - total // 2)]
        return super().forward(F.pad(x, padding))


def convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation and ReLU6; the sides are kept, or halved and rounded up."""
    options = {"groups": groups, "bias": False}
    if stride == 1:
        layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, **options)
    else:
        layer = Halving(inputs, outputs, kernel, stride, **options)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-3), nn.ReLU6(inplace=True))
