"""The losses of section 3.3, one function an equation; each returns a scalar tensor.

ab are Lab units (B, 2, H, W); the published program's reading is taken where the paper leaves one open (a mean
instead of a sum, a squared difference instead of a signed one), so that the published weights keep their meaning.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


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
    """Eqs. 9 and 10 for one level (B, C, h, w): -log of the mean over positions of the largest affinity."""
    x, y = result.flatten(2), reference.flatten(2)
    centre = y.mean(dim=2, keepdim=True)
    x, y = F.normalize(x - centre, dim=1), F.normalize(y - centre, dim=1)
    distance = 1 - x.transpose(1, 2) @ y  # (B, N, M)
    relative = distance / (distance.amin(dim=2, keepdim=True) + 1e-5)
    affinity = torch.softmax((1 - relative) / bandwidth, dim=2)
    return -affinity.amax(dim=2).mean(dim=1).log().mean()


def smoothness(ab: Tensor, truth_lab: Tensor, alpha: float = 10.0) -> Tensor:
    """Eq. 11: squared difference of ab and its 3x3 average weighted by likeness in the true Lab (WLS [46])."""
    size = ab.shape[-2:]
    neighbours = F.unfold(truth_lab, 3, padding=1).unflatten(1, (3, 9))  # (B, 3, 9, N)
    distance = (neighbours - truth_lab.flatten(2)[:, :, None]).square().sum(dim=1)
    weights = torch.softmax(-distance / alpha, dim=1)  # (B, 9, N)
    averaged = (F.unfold(ab, 3, padding=1).unflatten(1, (2, 9)) * weights[:, None]).sum(dim=2)
    return F.mse_loss(ab, averaged.unflatten(2, size))


def adversarial_generator(fake: Tensor, real: Tensor) -> Tensor:
    """Eq. 12: relativistic least squares; scores (B,) of coloured and real pairs."""
    return ((fake - real.mean() - 1).square().mean() + (real - fake.mean() + 1).square().mean()) / 2


def adversarial_discriminator(fake: Tensor, real: Tensor) -> Tensor:
    """Eq. 12 for D: the same with the roles exchanged."""
    return adversarial_generator(fake=real, real=fake)


def warp_tensor(x: Tensor, flow: Tensor) -> Tensor:
    """Sample x (B, C, H, W) at position + flow (B, 2, H, W, pixels), bilinear, zeros outside."""
    height, width = x.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    at_x = (columns.to(x) + flow[:, 0]) * 2 / (width - 1) - 1
    at_y = (rows.to(x) + flow[:, 1]) * 2 / (height - 1) - 1
    return F.grid_sample(x, torch.stack([at_x, at_y], dim=-1), mode="bilinear", align_corners=True)


def temporal(last_ab: Tensor, current_ab: Tensor, flow: Tensor, visible: Tensor) -> Tensor:
    """Eq. 13: masked squared difference of last and current colours along the flow, mean over all pixels.

    flow (B, 2, H, W) goes from last to current on the grid of last; visible (B, 1, H, W) is 1 where it is reliable.
    """
    return (visible * (warp_tensor(current_ab, flow) - last_ab).square()).mean()


def l1(ab: Tensor, truth_ab: Tensor, applies: Tensor) -> Tensor:
    """Eq. 14: mean absolute difference, over the samples whose reference shows the same scene (`applies`, (B,))."""
    each = (ab - truth_ab).abs().mean(dim=(1, 2, 3))
    return (each * applies).sum() / applies.sum().clamp(min=1)
