"""Iizuka, Simo-Serra and Ishikawa 2016, "Let there be Color!": local features joined with those of the whole image.

Layers are named by their part as the table of sizes does: low, mid, glob, fc, fusion, col, out, cls. The published
Torch7 file gives no names; a converter has to match its tensors by shape.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.layers import scaled

GLOBAL_SIDE = 224  # of the copy of the image that the global branch sees
SMALL_GLOBAL_SIDE = 96  # with a width of 1/4: 1.33 million parameters besides the classifier
AB_UNIT = 100.0  # ab = 100 (2 s - 1)
CLASS_WEIGHT = 1 / 300  # alpha, Eq. 7
PLACES = 205


def conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def dense(inputs: int, outputs: int) -> nn.Sequential:
    """Linear layer, batch norm, ReLU."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True))


class Iizuka2016Network(nn.Module):
    """The network of the paper's Table 1 in grey (B, 1, H, W) of 0..1, whose sides are multiples of 8.

    classes: of the classification that it learns besides; clips where images have no labels. global_side: a multiple of
    32, which sets the size of the first dense layer. `mean`, which is taken off the grey, is stored with the weights.
    """

    def __init__(self, width: float = 1.0, classes: int = PLACES, global_side: int = GLOBAL_SIDE):
        super().__init__()
        c32, c64, c128, c256, c512, c1024 = (scaled(c, width) for c in (32, 64, 128, 256, 512, 1024))
        self.global_side = global_side
        self.register_buffer("mean", torch.zeros(()))
        self.low1, self.low2 = conv(1, c64, stride=2), conv(c64, c128)
        self.low3, self.low4 = conv(c128, c128, stride=2), conv(c128, c256)
        self.low5, self.low6 = conv(c256, c256, stride=2), conv(c256, c512)
        self.mid1, self.mid2 = conv(c512, c512), conv(c512, c256)
        self.glob1, self.glob2 = conv(c512, c512, stride=2), conv(c512, c512)
        self.glob3, self.glob4 = conv(c512, c512, stride=2), conv(c512, c512)
        self.fc1 = dense(c512 * (global_side // 32) ** 2, c1024)
        self.fc2, self.fc3 = dense(c1024, c512), dense(c512, c256)
        self.fusion = conv(2 * c256, c256, kernel=1)
        self.col1, self.col2, self.col3 = conv(c256, c128), conv(c128, c64), conv(c64, c64)
        self.col4, self.out = conv(c64, c32), nn.Conv2d(c32, 2, 3, padding=1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)  # a training starts from grey
        self.cls1, self.cls2 = dense(c512, c256), nn.Linear(c256, classes)

    def forward(self, grey: Tensor) -> Tensor:
        """Grey to s (B, 2, H / 2, W / 2) in 0..1, of which `ab` makes Lab. Raises ValueError for other sides."""
        return self._colored(grey, self.fc3(self._global(grey)))

    def with_classes(self, grey: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and the logits (B, classes), which only training needs."""
        whole = self._global(grey)
        return self._colored(grey, self.fc3(whole)), self.cls2(self.cls1(whole))

    def ab(self, grey: Tensor) -> Tensor:
        """Grey to ab (B, 2, H, W) in Lab units, enlarged bilinearly."""
        enlarged = F.interpolate(self(grey), size=grey.shape[-2:], mode="bilinear", align_corners=False)
        return AB_UNIT * (2 * enlarged - 1)

    def _low(self, grey: Tensor) -> Tensor:
        x = grey - self.mean
        for number in range(1, 7):
            x = getattr(self, f"low{number}")(x)
        return x

    def _global(self, grey: Tensor) -> Tensor:
        """Features of the whole image (B, 512), from a copy of one size."""
        size = (self.global_side, self.global_side)
        x = self._low(F.interpolate(grey, size=size, mode="bilinear", align_corners=False))
        for number in range(1, 5):
            x = getattr(self, f"glob{number}")(x)
        return self.fc2(self.fc1(x.flatten(1)))

    def _colored(self, grey: Tensor, whole: Tensor) -> Tensor:
        if any(side % 8 for side in grey.shape[-2:]):
            raise ValueError(
                f"the sides have to be multiples of 8, got {tuple(grey.shape[-2:])}: resize the grey first"
            )
        local = self.mid2(self.mid1(self._low(grey)))
        everywhere = whole[..., None, None].expand(-1, -1, *local.shape[-2:])
        x = self.col1(self.fusion(torch.cat([local, everywhere], dim=1)))
        x = self.col3(self.col2(F.interpolate(x, scale_factor=2, mode="nearest")))
        return self.out(self.col4(F.interpolate(x, scale_factor=2, mode="nearest"))).sigmoid()


def target(ab: Tensor) -> Tensor:
    """ab (B, 2, H, W) in Lab units to what the network is to answer, (B, 2, H / 2, W / 2) in 0..1: means of 2x2."""
    return ((F.avg_pool2d(ab, 2) / AB_UNIT + 1) / 2).clamp(0, 1)


def loss(s: Tensor, logits: Tensor, ab: Tensor, labels: Tensor, class_weight: float = CLASS_WEIGHT) -> Tensor:
    """Eq. 7: mean squared error of s plus alpha times the cross-entropy of the classes (0 leaves them out).

    s (B, 2, H / 2, W / 2) and logits (B, classes) of `with_classes`, the true ab (B, 2, H, W), labels (B,) int64. The
    classes do not reach the parts that only colours take: mid, fusion, col.
    """
    return F.mse_loss(s, target(ab)) + class_weight * F.cross_entropy(logits, labels)
