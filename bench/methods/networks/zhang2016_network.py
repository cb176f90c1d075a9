"""Zhang, Isola and Efros 2016, "Colorful Image Colorization": a distribution over 313 bins of ab, then its mean.

The state dict has the names of the published PyTorch file, which loads strictly. The network predicts at a quarter of
the size; targets and losses work on that grid. ab is in Lab units throughout.
"""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorize.networks.layers import scaled

AB_UNIT = 110.0  # what the last layer's ab is divided by
TEMPERATURE = 0.38  # of the annealed mean, Eq. 5
NEAREST, SIGMA = 5, 5.0  # of the soft encoding (section 2.1)
UNIFORM_SHARE = 0.5  # lambda of the class rebalancing, Eq. 4
COLORLESS = 5.0  # images whose |ab| stays within this do not count
STRIDE = 4  # of the grid on which bins are predicted

# The published bins: a table, since no rule about the gamut gives them. For each a, the first and last b.
STEP = 10
B_OF_A = {
    **{-90: (50, 90), -80: (20, 90), -70: (0, 90), -60: (-20, 90), -50: (-30, 100), -40: (-40, 100)},
    **{-30: (-50, 100), -20: (-50, 100), -10: (-60, 100), 0: (-70, 100), 10: (-80, 90), 20: (-80, 90)},
    **{30: (-90, 90), 40: (-100, 90), 50: (-100, 80), 60: (-110, 80), 70: (-110, 80), 80: (-110, 70)},
    **{90: (-110, 70), 100: (-90, 0)},
}


@cache
def bins() -> Tensor:
    """The centres of the bins, float32 (313, 2), in the order of the published `pts_in_hull.npy`. Not to be changed."""
    centers = [(a, b) for a, (first, last) in B_OF_A.items() for b in range(first, last + 1, STEP)]
    return torch.tensor(centers, dtype=torch.float32, device="cpu")  # whatever the default device of the first caller


def block(inputs: int, channels: int, count: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """`count` 3x3 convolutions, each followed by ReLU, the last with the stride; then batch norm."""
    layers: list[nn.Module] = []
    for index in range(count):
        here = stride if index == count - 1 else 1
        layers += [
            nn.Conv2d(channels if index else inputs, channels, 3, here, padding=dilation, dilation=dilation),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))


class Zhang2016Network(nn.Module):
    """The published `eccv16`: seven blocks to an eighth of the size, an eighth one back to a quarter, 313 bins.

    temperature: of the softmax; 1 for the published file, whose last layers are scaled for it, `TEMPERATURE` for
    weights trained here.
    """

    def __init__(self, width: float = 1.0, temperature: float = 1.0):
        super().__init__()
        self.temperature = temperature
        c1, c2, c3, c4 = (scaled(c, width) for c in (64, 128, 256, 512))
        self.model1, self.model2 = block(1, c1, 2, stride=2), block(c1, c2, 2, stride=2)
        self.model3, self.model4 = block(c2, c3, 3, stride=2), block(c3, c4, 3)
        self.model5, self.model6 = block(c4, c4, 3, dilation=2), block(c4, c4, 3, dilation=2)
        self.model7 = block(c4, c4, 3)
        self.model8 = nn.Sequential(
            *(nn.ConvTranspose2d(c4, c3, 4, stride=2, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(c3, c3, 3, padding=1), nn.ReLU(inplace=True)),
            *(nn.Conv2d(c3, c3, 3, padding=1), nn.ReLU(inplace=True)),
            nn.Conv2d(c3, len(bins()), 1),
        )
        self.model_out = nn.Conv2d(len(bins()), 2, 1, bias=False)
        with torch.no_grad():  # the mean over the bins: losses do not reach this layer, files replace it
            self.model_out.weight.copy_(bins().T[..., None, None] / AB_UNIT)

    def logits(self, lightness: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100 to the bins' logits (B, 313, h, w), h = 2 ceil(H / 8)."""
        x = (lightness - 50) / 100
        for number in range(1, 9):
            x = getattr(self, f"model{number}")(x)
        return x

    def forward(self, lightness: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100 to ab (B, 2, H, W); sides that 8 does not divide come back longer, to be resized."""
        quarter = self.model_out(F.softmax(self.logits(lightness) / self.temperature, dim=1))
        return AB_UNIT * F.interpolate(quarter, scale_factor=STRIDE, mode="bilinear", align_corners=False)


def soft_encoding(ab: Tensor, nearest: int = NEAREST, sigma: float = SIGMA) -> Tensor:
    """ab (..., 2) to a distribution over the bins (..., 313): the nearest ones, by a Gaussian of their distance.

    The paper's section 2.1 takes 5 nearest bins; the published Caffe layer takes 10.
    """
    squared = (ab[..., None, :] - bins().to(ab)).square().sum(-1)
    closest, index = squared.topk(nearest, largest=False)
    # Only the ratios count; without the smallest distance taken off, a colour far from all bins would be 0 / 0.
    weights = F.softmax(-closest / (2 * sigma**2), dim=-1)
    return torch.zeros_like(squared).scatter_(-1, index, weights)


def target(ab: Tensor, nearest: int = NEAREST) -> Tensor:
    """ab (B, 2, H, W) to the soft encoding of every fourth pixel, (B, 313, ceil(H / 4), ceil(W / 4))."""
    return soft_encoding(ab[..., ::STRIDE, ::STRIDE].movedim(1, -1), nearest).movedim(-1, 1)


def rebalancing(prior: Tensor, uniform_share: float = UNIFORM_SHARE) -> Tensor:
    """The weight of each bin (313,) from how often the bins occur in training: `prior` (313,), counts or shares.

    The prior is the sum of `target` over the training images. Eq. 4: the inverse of the prior mixed with a uniform one
    over the bins that occur, scaled to a mean of 1 under the prior. Bins that never occur, on which the paper is
    silent, weigh as much as the rarest could.
    Raises ValueError for a prior that is no distribution.
    """
    if prior.shape != (len(bins()),) or not (prior >= 0).all() or not prior.sum() > 0:
        raise ValueError(f"expected a prior of {len(bins())} counts that are not all 0, got shape {tuple(prior.shape)}")
    share = prior / prior.sum()
    mixed = (1 - uniform_share) * share + uniform_share / (share > 0).sum()
    weights = 1 / mixed
    return weights / (share * weights).sum()


def loss(logits: Tensor, ab: Tensor, weights: Tensor) -> Tensor:
    """Rebalanced cross-entropy (Eqs. 2 and 3), averaged over pixels.

    logits (B, 313, h, w), the true ab (B, 2, 4h, 4w), weights (313,) from `rebalancing`. A pixel has the weight of its
    likeliest bin; images without colour have none.
    """
    truth = target(ab)
    if truth.shape != logits.shape:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} for ab of shape {tuple(ab.shape)}: train on sides that 8 divides"
        )
    colorful = ab.abs().amax(dim=(1, 2, 3)) > COLORLESS  # (B,)
    weight = weights.to(logits)[truth.argmax(1)] * colorful[:, None, None]
    return -(weight * (truth * F.log_softmax(logits, dim=1)).sum(1)).mean()
