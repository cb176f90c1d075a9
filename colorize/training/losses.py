"""The losses of section 3.3, one function an equation; each returns a scalar tensor.

ab are Lab units (B, 2, H, W); the published program's reading is taken where the paper leaves one open (a mean
instead of a sum, a squared difference instead of a signed one), so that the published weights keep their meaning.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from media.flow_files import warp_tensor


def perceptual(result: Tensor, truth: Tensor) -> Tensor:
    """Eq. 8: mean squared difference of the deepest feature level of result and ground truth (B, C, h, w)."""
    return F.mse_loss(result, truth)


def contextual(result: list[Tensor], reference: list[Tensor], weights: list[float], bandwidth: float = 0.1) -> Tensor:
    """Eqs. 9 and 10: forward-matching contextual loss, summed over levels with `weights` (0 leaves a level out).

    The second level is halved first, as published: its matrix of distances would be 16 times the others'.
    """
    total = result[0].new_zeros(())
    for index, (x, y, weight) in enumerate(zip(result, reference, weights, strict=True)):
        if weight:
            x, y = (F.avg_pool2d(z, 2) if index == 1 else z for z in (x, y))
            total = total + weight * contextual_level(x, y, bandwidth)
    return total


def contextual_level(result: Tensor, reference: Tensor, bandwidth: float = 0.1) -> Tensor:
    """Eqs. 9 and 10 for one level (B, C, h, w): the mean of `contextual_each` over the batch."""
    return contextual_each(result, reference, bandwidth).mean()


def contextual_each(
    result: Tensor,
    reference: Tensor,
    bandwidth: float = 0.1,
    direction: Literal["forward", "backward"] = "forward",
    centering: Literal["reference", "none"] = "reference",
) -> Tensor:
    """Eqs. 9 and 10 for each sample, (B,): -log of the mean over positions of the largest affinity.

    direction: forward asks every position of the result for its closest in the reference, backward every position
    of the reference. centring: what is subtracted from both before the cosine; the program takes the reference's mean.
    """
    x, y = result.flatten(2), reference.flatten(2)
    if centering == "reference":
        center = y.mean(dim=2, keepdim=True)
        x, y = x - center, y - center
    distance = 1 - F.normalize(x, dim=1).transpose(1, 2) @ F.normalize(y, dim=1)  # (B, N, M)
    relative = distance / (distance.amin(dim=2, keepdim=True) + 1e-5)
    affinity = torch.softmax((1 - relative) / bandwidth, dim=2)
    return -affinity.amax(dim={"forward": 2, "backward": 1}[direction]).mean(dim=1).log()


def smoothness(ab: Tensor, truth_lab: Tensor, alpha: float = 10.0) -> Tensor:
    """Eq. 11: squared difference of ab and its 3x3 average weighted by likeness in the true Lab (WLS [46])."""
    return F.mse_loss(ab, weighted_average(ab, truth_lab, alpha))


def weighted_average(ab: Tensor, guide: Tensor, alpha: float) -> Tensor:
    """3x3 average of ab, weighted by softmax of -|difference of guide|^2 / alpha; the centre counts too.

    guide (B, C, H, W) is the true Lab in Eq. 11; L alone gives the program's luminance-weighted average. Outside the
    image both are zero, so a border pixel has black neighbours, as published.
    """
    neighbors = F.unfold(guide, 3, padding=1).unflatten(1, (guide.shape[1], 9))  # (B, C, 9, N)
    distance = (neighbors - guide.flatten(2)[:, :, None]).square().sum(dim=1)
    weights = torch.softmax(-distance / alpha, dim=1)  # (B, 9, N)
    averaged = (F.unfold(ab, 3, padding=1).unflatten(1, (ab.shape[1], 9)) * weights[:, None]).sum(dim=2)
    return averaged.unflatten(2, ab.shape[-2:])


def adversarial_generator(fake: Tensor, real: Tensor) -> Tensor:
    """Eq. 12: relativistic least squares; scores (B,) of coloured and real pairs."""
    return ((fake - real.mean() - 1).square().mean() + (real - fake.mean() + 1).square().mean()) / 2


def adversarial_discriminator(fake: Tensor, real: Tensor) -> Tensor:
    """Eq. 12 for D: the same with the roles exchanged."""
    return adversarial_generator(fake=real, real=fake)


def temporal(last_ab: Tensor, current_ab: Tensor, flow: Tensor, visible: Tensor) -> Tensor:
    """Eq. 13: masked squared difference of last and current colours along the flow, mean over all pixels.

    flow (B, 2, H, W) goes from last to current on the grid of last; visible (B, 1, H, W) is 1 where it leads to the
    same point.
    """
    return (visible * (warp_tensor(current_ab, flow) - last_ab).square()).mean()


def l1(ab: Tensor, truth_ab: Tensor, applies: Tensor, protocol: Literal["paper", "release"] = "paper") -> Tensor:
    """Eq. 14: mean absolute difference, over the samples whose reference shows the same scene (`applies`, (B,)).

    The release divides that mean by the batch size once more.
    """
    each = (ab - truth_ab).abs().mean(dim=(1, 2, 3)) * applies
    if protocol == "release":
        return (each / (applies.sum() + 1e-5)).mean()
    return each.sum() / applies.sum().clamp(min=1)
