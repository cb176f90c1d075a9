"""Zhang, Zhu et al. 2017, "Real-Time User-Guided Image Colorization": a U-Net from L and hints of colour to ab.

The state dict has the names of the published PyTorch file, which loads strictly. ab is in Lab units throughout.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.methods.networks.zhang2016_network import AB_UNIT, STEP, STRIDE, block
from colorize.networks.layers import scaled

SIDE = 23  # bins a side of the full grid: -110, -100, .. 110
CLASSES = SIDE**2
REGRESSION_WEIGHT = 10.0
# Of the hints that are made up for training (section 3.2).
LAST = 0.125  # chance that no further one follows
WIDEST = 9  # pixels


class Zhang2017Network(nn.Module):
    """The published `siggraph17`. Sides have to be multiples of 8.

    Without hints it is the automatic method. The published file's mask is 0 or 1 (another one, retrained by the
    authors, was trained on a mask of -0.5 and 0.5).
    """

    def __init__(self, width: float = 1.0):
        super().__init__()
        c1, c2, c3, c4 = (scaled(c, width) for c in (64, 128, 256, 512))
        self.model1, self.model2 = block(4, c1, 2), block(c1, c2, 2)
        self.model3, self.model4 = block(c2, c3, 3), block(c3, c4, 3)
        self.model5, self.model6 = block(c4, c4, 3, dilation=2), block(c4, c4, 3, dilation=2)
        self.model7 = block(c4, c4, 3)
        self.model8up, self.model8 = _doubled(c4, c3), nn.Sequential(nn.ReLU(inplace=True), *block(c3, c3, 2))
        self.model9up, self.model9 = _doubled(c3, c2), nn.Sequential(nn.ReLU(inplace=True), *block(c2, c2, 1))
        self.model10up = _doubled(c2, c2)
        self.model10 = nn.Sequential(nn.ReLU(inplace=True), *_conv(c2, c2), nn.LeakyReLU(0.2, inplace=True))
        self.model3short8, self.model2short9, self.model1short10 = _conv(c3, c3), _conv(c2, c2), _conv(c1, c2)
        self.model_class = nn.Sequential(nn.Conv2d(c3, CLASSES, 1))
        self.model_out = nn.Sequential(nn.Conv2d(c2, 2, 1), nn.Tanh())
        for parameter in self.model_out.parameters():
            nn.init.zeros_(parameter)  # a training starts from grey

    def forward(self, lightness: Tensor, hint: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100, ab where it is known (B, 2, H, W), 1 there and 0 elsewhere (B, 1, H, W) to ab.

        Raises ValueError for a hint without its mask and for sides that are no multiples of 8.
        """
        return self._colored(*self._encoded(lightness, hint, mask))

    def with_classes(
        self, lightness: Tensor, hint: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The same, and the logits of the class head (B, 529, H / 4, W / 4), which only training needs."""
        skips, x = self._encoded(lightness, hint, mask)
        return self._colored(skips, x), self.model_class(x)

    def _encoded(
        self, lightness: Tensor, hint: Tensor | None, mask: Tensor | None
    ) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """The first two blocks' outputs and the eighth's."""
        x = _network_input(lightness, hint, mask)
        full = self.model1(x)
        half = self.model2(full[..., ::2, ::2])
        quarter = self.model3(half[..., ::2, ::2])
        x = quarter[..., ::2, ::2]
        for number in range(4, 8):
            x = getattr(self, f"model{number}")(x)
        return (full, half), self.model8(self.model8up(x) + self.model3short8(quarter))

    def _colored(self, skips: tuple[Tensor, Tensor], x: Tensor) -> Tensor:
        full, half = skips
        x = self.model9(self.model9up(x) + self.model2short9(half))
        x = self.model10(self.model10up(x) + self.model1short10(full))
        return AB_UNIT * self.model_out(x)


def _conv(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1))


def _doubled(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1))


def _network_input(lightness: Tensor, hint: Tensor | None, mask: Tensor | None) -> Tensor:
    """The four channels (B, 4, H, W), about -1..1."""
    if (hint is None) != (mask is None):
        raise ValueError("a hint of ab needs the mask of where it holds, and the mask its hint: give both or neither")
    if any(side % 8 for side in lightness.shape[-2:]):
        raise ValueError(f"the sides have to be multiples of 8, got {tuple(lightness.shape[-2:])}: resize L first")
    if hint is None:
        mask = torch.zeros_like(lightness)
        hint = mask.expand(-1, 2, -1, -1)
    return torch.cat([(lightness - 50) / 100, hint / AB_UNIT, mask], dim=1)


def classes(ab: Tensor) -> Tensor:
    """ab (B, 2, H, W) to the number of the nearest bin of every fourth pixel, int64 (B, H / 4, W / 4); a * 23 + b."""
    steps = ((ab[..., ::STRIDE, ::STRIDE] + AB_UNIT) / STEP).round().long().clamp(0, SIDE - 1)
    return steps[:, 0] * SIDE + steps[:, 1]


def loss(ab: Tensor, logits: Tensor, truth: Tensor) -> Tensor:
    """The authors' retraining in PyTorch: cross-entropy of the class head plus 10 times L1 of ab / 110, means.

    ab and truth (B, 2, H, W), logits (B, 529, H / 4, W / 4). Both terms reach the whole network.
    """
    return F.cross_entropy(logits, classes(truth)) + REGRESSION_WEIGHT * F.l1_loss(ab, truth) / AB_UNIT


def regression_loss(ab: Tensor, truth: Tensor) -> Tensor:
    """The paper's smooth L1 with a bend at 1 Lab unit (section 3.1), the mean over ab and truth (B, 2, H, W)."""
    return F.smooth_l1_loss(ab, truth)


def made_up_hints(ab: Tensor) -> tuple[Tensor, Tensor]:
    """What users might mark on pictures ab (B, 2, H, W) of 9 pixels a side or more: hints and where they hold.

    Squares 1 to 9 pixels wide with the mean colour below them; how many, 0 included, has a geometric distribution
    (mean 7), and where, a normal one about the centre. Drawn by torch's generator. Returns ab (B, 2, H, W), 0 where
    there is no hint, and the mask (B, 1, H, W), float.
    """
    hints, mask = torch.zeros_like(ab), torch.zeros_like(ab[:, :1])
    for picture, colored, known in zip(ab, hints, mask, strict=True):
        while torch.rand(()) >= LAST:
            side = int(torch.randint(1, WIDEST + 1, ()))
            places = (0.5 + torch.randn(2) / 4).clip(0, 1) * torch.tensor([size - side for size in ab.shape[-2:]])
            top, left = places.round().int().tolist()
            square = (..., slice(top, top + side), slice(left, left + side))
            colored[square] = picture[square].mean(dim=(1, 2), keepdim=True)
            known[square] = 1
    return hints, mask
