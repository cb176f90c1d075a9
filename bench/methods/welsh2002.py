"""Colour transfer by luminance and local deviation: the oldest exemplar-based method (reference [6])."""

from collections.abc import Iterator

import numpy as np

from bench.methods.contract.method import Given, Method

GRID = 16  # 16 x 16 cells of the reference, one jittered sample in each: 256
WINDOW = 5  # pixels, for the local standard deviation


class Welsh2002(Method):
    """The global form, without user swatches; Lab stands in for the original's l-alpha-beta.

    The reference's luminance is shifted and scaled to the frame's mean and deviation; each pixel then takes the
    chroma of the sample with the smallest 0.5 |difference of luminance| + 0.5 |difference of 5x5 deviation|.
    """

    name = "welsh2002"
    citation = "Welsh, Ashikhmin, Mueller: Transferring Color to Greyscale Images, SIGGRAPH 2002"
    given = {"clips": ("reference",), "images": ("reference",)}
    uses_torch = False

    def colorize(self, frames: Iterator[np.ndarray], given: Given) -> Iterator[np.ndarray]:
        from scipy.spatial import cKDTree

        reference = given.reference
        rows, columns = jittered_samples(reference.shape[:2], np.random.default_rng(self.setting.seed))
        luminance = reference[..., 0].astype(np.float64)
        mean, deviation = luminance.mean(), luminance.std()
        sampled = np.stack([luminance[rows, columns] - mean, local_deviation(luminance)[rows, columns]], axis=1)
        chroma = reference[rows, columns, 1:]  # (256, 2)
        for frame in frames:
            target = frame.astype(np.float64)
            # A flat reference has nothing to scale; its deviation of 0 must not divide.
            scale = target.std() / deviation if deviation > 0 else 1.0
            tree = cKDTree(sampled * scale + [target.mean(), 0])
            wanted = np.stack([target, local_deviation(target)], axis=-1).reshape(-1, 2)
            _, nearest = tree.query(wanted, p=1)  # p = 1 orders the samples as the method's cost does
            yield chroma[nearest].reshape(*frame.shape, 2).astype(np.float32)


def jittered_samples(shape: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of 256 pixels, one at a random place in each cell of a 16 x 16 grid over (H, W)."""
    cells = np.stack(np.meshgrid(np.arange(GRID), np.arange(GRID), indexing="ij"), axis=-1).reshape(-1, 2)
    places = (cells + rng.random(cells.shape)) / GRID * shape
    rows, columns = places.astype(int).T
    return rows, columns


def local_deviation(luminance: np.ndarray) -> np.ndarray:
    """Standard deviation of L in the 5x5 window around each pixel, (H, W) float64; the border is mirrored."""
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(luminance, WINDOW)
    square = uniform_filter(luminance**2, WINDOW)
    return np.sqrt(np.maximum(square - mean**2, 0))
