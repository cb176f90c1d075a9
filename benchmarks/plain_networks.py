"""The published program's colouring networks written down plainly, on the weights of a model of this project."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from colorize.model import ExemplarModel
from media.color import rgb_tensor_from_lab

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MID_GREY = np.float32([50, 0, 0])
# A branch of the correspondence subnet: index and stride of its second convolution, enlarging before and behind it.
BRANCHES = {"layer2_1": (5, 2, 1, 1), "layer3_1": (5, 1, 1, 1), "layer4_1": (5, 1, 1, 2), "layer5_1": (6, 1, 2, 2)}
# Dilation of the colorization subnet's blocks 4 to 7.
BOTTLENECK = {4: 1, 5: 2, 6: 2, 7: 1}


class Plain:
    """The networks written down plainly, on a model's weights. Sides are multiples of 8, the width of 16."""

    def __init__(self, model: ExemplarModel):
        networks = (model.backbone, model.correspondence, model.colorization)
        self.vgg, self.matching, self.coloring = (
            {name: value.to(DEVICE).contiguous() for name, value in network.state_dict().items()}
            for network in networks
        )
        self.temperature = model.temperature

    @torch.inference_mode()
    def colorize(
        self, frames: Iterator[np.ndarray], reference_lab: np.ndarray, last_lab: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        """Yield ab (H, W, 2) for each L (H, W), like `Colorizer.colorize`."""
        reference = tensor(reference_lab)
        levels = self.levels(rgb_tensor_from_lab(reference))
        for frame in frames:
            luminance, last = tensor(frame[..., None]), None if last_lab is None else tensor(last_lab)
            ab = self.color(luminance, *self.matched(luminance, reference, levels), last)
            ab = ab[0].permute(1, 2, 0).cpu().numpy()
            yield ab
            last_lab = np.concatenate([frame[..., None], ab], axis=-1)

    def matched(self, luminance: Tensor, reference: Tensor, reference_levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """W (B, 3, h, w), Lab, and S (B, 1, h, w) of a frame's L, both at a quarter of its size."""
        query = self.embedded(self.levels((luminance / 100).expand(-1, 3, -1, -1)), "theta")
        correlation = query.transpose(1, 2) @ self.embedded(reference_levels, "phi")  # (B, N, N)
        weights = F.softmax(correlation / self.temperature, dim=2)
        colors = F.avg_pool2d(reference, 4)
        warped = (weights @ colors.flatten(2).transpose(1, 2)).transpose(1, 2)
        return warped.view_as(colors), correlation.amax(dim=2).view_as(colors[:, :1])

    def color(self, luminance: Tensor, warped: Tensor, confidence: Tensor, last: Tensor | None) -> Tensor:
        """ab (B, 2, H, W) of a frame; without a last coloured frame it is mid-grey."""
        last = (
            torch.zeros_like(luminance).expand(-1, 3, -1, -1) if last is None else last - tensor(MID_GREY[None, None])
        )
        w, s = _enlarged(warped[:, 1:], 4), _enlarged(confidence, 4)
        return 128 * self.colors(torch.cat([luminance - 50, w, s, last], dim=1)).tanh()

    def levels(self, rgb: Tensor) -> list[Tensor]:
        """relu2_2, 3_2, 4_2 and 5_2 of VGG19, which runs to its end."""
        x = (rgb.flip(1) - rgb.new_tensor([0.40760392, 0.45795686, 0.48501961])[:, None, None]) * 255
        relus = []
        for block, count in enumerate((2, 2, 4, 4, 4), start=1):
            for index in range(1, count + 1):
                x = F.relu(_conv(self.vgg, f"conv{block}_{index}", x, padding=1))
                if index == 2:
                    relus.append(x)
            x = F.max_pool2d(x, 2)
        return relus[1:]

    def embedded(self, levels: list[Tensor], last: str) -> Tensor:
        """Unit features (1, 256, N) of frame (`theta`) or reference (`phi`)."""
        units = [level / (level.norm(dim=1, keepdim=True) + 2.2e-16) for level in levels]
        parts = [self.branch(name, level) for name, level in zip(BRANCHES, units, strict=True)]
        missing = (parts[0].shape[-2] - parts[3].shape[-2]) // 2
        parts[3] = F.pad(parts[3], (0, 0, missing, missing), mode="replicate")
        x = torch.cat(parts, dim=1)
        for block in range(3):
            x = self.residual(f"layer.{block}", x)
        x = _conv(self.matching, last, x).flatten(2)
        x = x - x.mean(dim=2, keepdim=True)
        return x / (x.norm(dim=1, keepdim=True) + 2.2e-16)

    def branch(self, name: str, x: Tensor) -> Tensor:
        """A level on the matching grid, in 64 channels."""
        second, stride, before, behind = BRANCHES[name]
        x = F.prelu(F.instance_norm(self.reflected(f"{name}.1", x)), self.matching[f"{name}.3.weight"])
        x = self.reflected(f"{name}.{second}", _enlarged(x, before), stride)
        return _enlarged(F.prelu(F.instance_norm(x), self.matching[f"{name}.{second + 2}.weight"]), behind)

    def residual(self, name: str, x: Tensor) -> Tensor:
        """Two convolutions around a shortcut; both PReLUs have one slope."""
        slope = self.matching[f"{name}.prelu.weight"]
        inner = F.prelu(F.instance_norm(self.reflected(f"{name}.conv1", x)), slope)
        return F.prelu(x + F.instance_norm(self.reflected(f"{name}.conv2", inner)), slope)

    def reflected(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        """A 3x3 convolution of the correspondence subnet, over a reflected border."""
        return _conv(self.matching, name, F.pad(x, (1, 1, 1, 1), mode="reflect"), stride=stride)

    def colors(self, x: Tensor) -> Tensor:
        """The colorization subnet in front of its tanh."""
        skip1 = F.instance_norm(self.relus(x, "conv1_1.0", "conv1_1.2", "conv1_2"))
        skip2 = F.instance_norm(self.relus(self.halved(skip1, "conv1_2norm_ss"), "conv2_1", "conv2_2"))
        skip3 = F.instance_norm(self.relus(self.halved(skip2, "conv2_2norm_ss"), "conv3_1", "conv3_2", "conv3_3"))
        x = self.halved(skip3, "conv3_3norm_ss")
        for block, dilation in BOTTLENECK.items():
            x = F.instance_norm(self.relus(x, *(f"conv{block}_{index}" for index in (1, 2, 3)), dilation=dilation))
        x = F.instance_norm(self.relus(self.joined(x, "conv8_1.1", skip3, "conv3_3_short"), "conv8_2", "conv8_3"))
        x = F.instance_norm(self.relus(self.joined(x, "conv9_1.1", skip2, "conv2_2_short"), "conv9_2"))
        x = self.joined(x, "conv10_1.1", skip1, "conv1_2_short")
        x = F.leaky_relu(_conv(self.coloring, "conv10_2", x, padding=1), 0.2)
        return _conv(self.coloring, "conv10_ab", x)

    def relus(self, x: Tensor, *names: str, dilation: int = 1) -> Tensor:
        """3x3 convolutions of the colorization subnet, each with ReLU."""
        for name in names:
            x = F.relu(_conv(self.coloring, name, x, padding=dilation, dilation=dilation))
        return x

    def halved(self, x: Tensor, name: str) -> Tensor:
        """Every second pixel, scaled for each channel."""
        return F.conv2d(x, self.coloring[f"{name}.weight"], stride=2, groups=x.shape[1])

    def joined(self, x: Tensor, up: str, skip: Tensor, beside: str) -> Tensor:
        """The deeper map enlarged and convolved, with the skip added after a convolution of its own."""
        enlarged = _conv(self.coloring, up, _enlarged(x, 2), padding=1)
        return F.relu(enlarged + _conv(self.coloring, beside, skip, padding=1))


def _conv(weights: dict[str, Tensor], name: str, x: Tensor, **options: int) -> Tensor:
    return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)


def _enlarged(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor) if factor > 1 else x


def tensor(image: np.ndarray) -> Tensor:
    """(H, W, C) as (1, C, H, W) on the device."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].contiguous().to(DEVICE)
