"""Dense correspondence by cosine similarity (Eqs. 3-5), for raw backbone features and for learned ones."""

import torch
import torch.nn.functional as F
from torch import Tensor


def matching_features(levels: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Backbone levels of one image, each (1, C, h, w), as unit columns (sum of C, h*w) on a grid of `size`.

    Every level is brought to the grid (bilinear), centred over the positions (the mean vectors of Eq. 3) and
    L2-normalised per position, so that no level outweighs another.
    """
    columns = []
    for level in levels:
        resized = F.interpolate(level, size=size, mode="bilinear", align_corners=False)
        columns.append(unit_columns(resized.flatten(2))[0])
    return F.normalize(torch.cat(columns), dim=0)


def unit_columns(features: Tensor) -> Tensor:
    """Features (B, C, N), centred over the N positions and L2-normalised over C, as Eq. 3 asks."""
    return F.normalize(features - features.mean(dim=2, keepdim=True), dim=1)


def match(
    query: Tensor, key: Tensor, values: Tensor, temperature: float = 0.01, chunk: int = 512
) -> tuple[Tensor, Tensor]:
    """Gather `values` of the reference at the positions that match (Eqs. 3-5).

    query (C, N) and key (C, M) have unit columns; values (M, K). Returns the warped values (N, K), weighted by
    softmax over M of cosine / temperature, and the confidence (N,), the largest cosine of each position.
    Rows are taken `chunk` at a time, so memory is linear in N; the result does not depend on it.
    """
    warped, confidence = [], []
    for rows in (query.T / temperature).split(chunk):  # dividing C numbers a row instead of M
        sharpened = rows @ key  # (chunk, M)
        warped.append(torch.softmax(sharpened, dim=1) @ values)
        confidence.append(sharpened.amax(dim=1) * temperature)
    return torch.cat(warped), torch.cat(confidence)
