"""Colours through a permutohedral lattice: Video Propagation Networks (Jampani et al. 2017, reference [26]).

A pixel is a point (luma, x, y, t). Points of earlier frames leave their colours on the vertices of the lattice cell
around them (splat), points of the new frame read them there (slice). The published lattice filter has one tap and so no
blur: a bilateral convolution is that average followed by a linear layer. Colours are (Cb, Cr) / 255 - 0.5.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALES = (0.2, 0.04, 0.04, 0.04)  # of luma 0..255, x, y, t
WIDTH = 854  # of the frames that the scales were made for
SHIFT = 0.5  # makes colours positive for the ReLUs


def point_features(luma: Tensor, time: int) -> Tensor:
    """Scaled (luma, x, y, t) of every pixel, row by row, (H W, 4).

    luma: (H, W), Y of YCbCr in 0..255. x and y are counted as in a frame 854 pixels wide.
    """
    width = luma.shape[1]
    rows, columns = torch.meshgrid(*(torch.arange(side, device=luma.device) for side in luma.shape), indexing="ij")
    x, y = (side.to(luma) * WIDTH / width for side in (columns, rows))
    points = torch.stack([luma, x, y, torch.full_like(luma, time)], dim=-1).flatten(0, 1)
    return points * points.new_tensor(SCALES)


def lattice(features: Tensor) -> tuple[Tensor, Tensor]:
    """The vertices of the cell around each point: keys (N, d + 1, d) int64 and barycentric weights (N, d + 1).

    features: (N, d), here d = 4. Vertex r lies on the lattice of remainder r modulo d + 1; its coordinates sum to zero,
    so the last is left out of the key. Weights are in 0..1 and sum to 1, and the weighted vertices to the point.
    Follows Adams, Baek and Davis, "Fast high-dimensional filtering using the permutohedral lattice", 2010.
    """
    elevated = _elevated(features)  # (N, d + 1)
    corners = elevated.shape[1]
    steps = elevated / corners
    nearest = steps.sign() * (steps.abs() + 0.5).floor()  # half away from zero
    residual = steps - nearest
    # Rank of each coordinate's residual, the largest first. Where the rounded ones do not sum to zero, the ranks turn
    # and the coordinates that pass the end move to the next point of remainder 0.
    rank = residual.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    turned = rank + nearest.sum(dim=1, keepdim=True).long()
    moved = turned.div(corners, rounding_mode="floor")
    rank, residual = turned - corners * moved, residual + moved
    descending = torch.empty_like(residual).scatter_(1, rank, residual)
    below = torch.cat([descending[:, 1:], descending[:, :1] - 1], dim=1)
    weights = (descending - below).flip(1)
    remainder = torch.arange(corners, device=rank.device)[:, None]
    simplex = remainder - corners * (rank[:, None] >= corners - remainder)  # (N, r, coordinate)
    keys = corners * (nearest.long() - moved)[:, None] + simplex
    return keys[..., :-1], weights


def _elevated(features: Tensor) -> Tensor:
    """Points (N, d) in the plane of d + 1 coordinates that sum to zero."""
    dimensions = features.shape[1]
    index = torch.arange(1, dimensions + 1, device=features.device, dtype=features.dtype)
    scaled = features * (dimensions + 1) * (2 / 3 / (index * (index + 1))).sqrt()
    # Coordinate j is the sum of those from j on, less j times the one before.
    tails = F.pad(scaled.flip(1).cumsum(1).flip(1), (0, 1))
    return tails - F.pad(scaled * index, (1, 0))


@dataclass(frozen=True)
class Connection:
    """Where points leave values and where others read them: vertices (N, 5), weights (N, 5) of both, and how many."""

    from_vertices: Tensor
    from_weights: Tensor
    to_vertices: Tensor
    to_weights: Tensor
    count: int

    def carried(self, values: Tensor) -> Tensor:
        """values (N, C) of the points, splatted and sliced: (M, C), not normalised."""
        shares = (values[:, None] * self.from_weights[..., None].to(values)).flatten(0, 1)
        vertices = values.new_zeros(self.count, values.shape[1]).index_add(0, self.from_vertices.flatten(), shares)
        return (vertices[self.to_vertices] * self.to_weights[..., None].to(values)).sum(dim=1)

    def reached(self, dtype: torch.dtype) -> Tensor:
        """The weight (M, 1) that each reading point receives; 0 where nothing was left."""
        return self.carried(self.from_weights.new_ones((len(self.from_weights), 1), dtype=dtype))

    def averaged(self, values: Tensor) -> Tensor:
        """`carried`, divided by the weight that came along; 0 where none did."""
        return self.carried(values) / (self.reached(values.dtype) + 1e-20)


def connect(from_features: Tensor, to_features: Tensor) -> Connection:
    """Join points (N, 4) to points (M, 4) through the lattice."""
    from_keys, from_weights = lattice(from_features)
    to_keys, to_weights = lattice(to_features)
    keys = torch.cat([from_keys, to_keys]).flatten(0, 1)
    # One number for each key: unique is many times quicker than on rows of four.
    offset = keys - keys.amin(dim=0)
    extent = offset.amax(dim=0) + 1
    number = offset[:, 0]
    for column in range(1, offset.shape[1]):
        number = number * extent[column] + offset[:, column]
    numbers, vertices = number.unique(return_inverse=True)
    from_vertices, to_vertices = vertices.unflatten(0, (-1, from_keys.shape[1])).split([len(from_keys), len(to_keys)])
    return Connection(from_vertices, from_weights, to_vertices, to_weights, len(numbers))


def identity(from_features: Tensor, colors: Tensor, to_features: Tensor) -> Tensor:
    """Stage 0, BNN-Identity: colours (N, C) of points (N, 4) averaged at points (M, 4), (M, C). Nothing is learned.

    A point whose vertices received nothing gets 0, neutral grey. Over a clip it is fed its own results.
    """
    return connect(from_features, to_features).averaged(colors)


class ColorStage(nn.Module):
    """Stage 1: a learned refinement, 11,726 parameters. Its colours of earlier frames are the results of stage 0.

    It starts as stage 0, whose colours pass through unchanged, shifted by 0.5 as the first layer has it. That
    is chosen here: the authors' training is not published, and a short one from random weights does not come as far.
    """

    def __init__(self):
        super().__init__()
        self.out_color1, self.out_color2 = nn.Linear(2, 32), nn.Linear(32, 32)
        self.out_color_bilateral = nn.Linear(64, 2)
        self.out_color_spatial1, self.out_color_spatial2 = (nn.Conv2d(c, 32, 3, padding=1) for c in (2, 32))
        self.out_color_spatial = nn.Conv2d(32, 2, 3, padding=1)
        self.out_color_result = nn.Linear(4, 2)
        nn.init.constant_(self.out_color1.bias, SHIFT)
        first_two = torch.eye(2)
        with torch.no_grad():
            self.out_color1.weight[:2] = first_two
            for layer in (self.out_color_bilateral, self.out_color_result):
                layer.weight.zero_()
                layer.weight[:, :2] = first_two
            self.out_color_bilateral.bias.zero_()
            self.out_color_result.bias.fill_(-SHIFT)

    def forward(self, points: Tensor, colors: Tensor, grid: Tensor, size: tuple[int, int]) -> Tensor:
        """CbCr (2, H, W) of the frame whose pixels are `grid` (H W, 4), from `colors` (N, 2) at `points` (N, 4)."""
        first = F.relu(self.out_color1(connect(points, grid).averaged(colors)))
        second = F.relu(self.out_color2(connect(grid, grid).averaged(first)))
        bilateral = F.relu(self.out_color_bilateral(torch.cat([first, second], dim=1)))  # (H W, 2)
        x = bilateral.T.unflatten(1, size)
        for layer in (self.out_color_spatial1, self.out_color_spatial2, self.out_color_spatial):
            x = F.relu(layer(x))
        result = self.out_color_result(torch.cat([bilateral, x.flatten(1).T], dim=1))
        return result.T.unflatten(1, size)


def loss(result: Tensor, truth: Tensor) -> Tensor:
    """Mean squared difference of CbCr."""
    return F.mse_loss(result, truth)
