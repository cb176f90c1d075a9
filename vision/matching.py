"""Dense correspondence by cosine similarity (Eqs. 3-5), for raw backbone features and for learned ones."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Entries of the correlation matrix that exist at a time (8 MB); the whole one has 27 million at 216x384.
BLOCK = 2**21


def matching_features(levels: list[Tensor], size: tuple[int, int]) -> Tensor:
    """Backbone levels (B, C, h, w) of an image as unit features (B, sum of C, *size).

    Every level is brought to the grid (bilinear), centred over the positions (the mean vectors of Eq. 3) and
    L2-normalised per position, so that no level outweighs another.
    """
    columns = []
    for level in levels:
        resized = F.interpolate(level, size=size, mode="bilinear", align_corners=False)
        columns.append(unit_columns(resized.flatten(2)))
    return F.normalize(torch.cat(columns, dim=1), dim=1).unflatten(2, size)


def unit_columns(features: Tensor) -> Tensor:
    """Features (B, C, N), centred over the N positions and L2-normalised over C, as Eq. 3 asks."""
    return F.normalize(features - features.mean(dim=2, keepdim=True), dim=1)


def match(query: Tensor, key: Tensor, values: Tensor, temperature: float = 0.01) -> tuple[Tensor, Tensor]:
    """Gather `values` of the reference at the positions that match (Eqs. 3-5).

    query (B, C, N) and key (B, C, M) have unit columns; values (B, K, M). Returns the warped values (B, K, N), weighted
    by softmax over M of cosine / temperature, and the confidence (B, 1, N), the largest cosine of each position.
    The correlation matrix exists a block of rows at a time, also in the backward pass, which computes it again: memory
    is linear in N and in M, the result exact. Under autocast it is computed in float32 too: cosines of 8 bits divided
    by the temperature would be wrong colours.
    """
    with torch.autocast(query.device.type, enabled=False):
        query, key, values = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (query, key, values))
        return _match(query, key, values, temperature)


def _match(query: Tensor, key: Tensor, values: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    rows = max(1, BLOCK // (key.shape[0] * key.shape[2]))
    blocks = (query.transpose(1, 2) / temperature).split(rows, dim=1)  # dividing C numbers a row instead of M
    targets = values.transpose(1, 2)
    if torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or values.requires_grad):
        if len(blocks) == 1:
            matched = _match_rows(blocks[0], key, targets)
        else:
            parts = [checkpoint(_match_rows, block, key, targets, use_reentrant=False) for block in blocks]
            matched = torch.cat(parts, dim=1)
    else:
        # Into one tensor: small results kept between large blocks would pin the heap and multiply the peak.
        matched = query.new_empty((query.shape[0], query.shape[2], values.shape[1] + 1))
        for block, part in zip(blocks, matched.split(rows, dim=1), strict=True):
            part.copy_(_match_rows(block, key, targets))
    matched = matched.transpose(1, 2)
    return matched[:, :-1], matched[:, -1:] * temperature


def _match_rows(rows: Tensor, key: Tensor, targets: Tensor) -> Tensor:
    """Warped values and the largest entry of each row, (B, n, K + 1)."""
    sharpened = rows @ key  # (B, n, M)
    return torch.cat([torch.softmax(sharpened, dim=2) @ targets, sharpened.amax(dim=2, keepdim=True)], dim=2)
