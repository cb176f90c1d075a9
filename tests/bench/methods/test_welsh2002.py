"""welsh2002: the sample that the paper's cost chooses."""

import numpy as np

from bench.methods.contract.method import Given
from bench.methods.contract.rows import load
from bench.methods.welsh2002 import jittered_samples, local_deviation


def color(setting, luminance, reference):
    return next(load("welsh2002", {}, setting).colorize(iter([luminance]), Given("images", "a", reference)))


def test_each_lightness_gets_its_colour(setting):
    """A dark half and a light half, each of one colour; the target has the same halves with other lightness."""
    reference = np.zeros((40, 40, 3), np.float32)
    reference[:, :20] = (20, 50, 0)
    reference[:, 20:] = (80, 0, -50)
    luminance = np.full((40, 40), 30, np.float32)
    luminance[:20] = 70
    found = color(setting, luminance, reference)
    np.testing.assert_allclose(found[2:17].mean(axis=(0, 1)), (0, -50), atol=1e-4)
    np.testing.assert_allclose(found[23:].mean(axis=(0, 1)), (50, 0), atol=1e-4)


def test_texture_decides_between_equal_lightness(setting):
    """Flat and chequered halves of one mean lightness: the 5x5 deviation tells them apart."""
    chequers = 50 + 20 * (np.indices((40, 40)).sum(axis=0) % 2 * 2 - 1).astype(np.float32)
    reference = np.zeros((40, 40, 3), np.float32)
    reference[..., 0] = 50
    reference[:, 20:, 0] = chequers[:, 20:]
    reference[:, :20, 1], reference[:, 20:, 1] = 40, -40
    found = color(setting, reference[::-1, ::-1, 0].copy(), reference)
    assert found[:, :17, 0].mean() < -30  # chequered
    assert found[:, 23:, 0].mean() > 30  # flat


def test_matches_brute_force(setting, toy_lab):
    reference, luminance = toy_lab[0], toy_lab[3][..., 0][:20, :20]
    rows, columns = jittered_samples(reference.shape[:2], np.random.default_rng(setting.seed))
    scale = luminance.std() / reference[..., 0].std()
    light = (reference[..., 0].astype(float) - reference[..., 0].mean()) * scale + luminance.mean()
    deviation = local_deviation(reference[..., 0].astype(float)) * scale
    own_deviation = local_deviation(luminance.astype(float))
    cost = 0.5 * np.abs(luminance[..., None] - light[rows, columns])
    cost += 0.5 * np.abs(own_deviation[..., None] - deviation[rows, columns])
    best = cost.argmin(axis=-1)
    expected = reference[rows, columns, 1:][best]
    assert (np.abs(color(setting, luminance, reference) - expected).max(axis=-1) < 1e-4).mean() > 0.99


def test_samples_are_one_in_each_cell():
    rows, columns = jittered_samples((160, 320), np.random.default_rng(0))
    assert len(set(zip(rows // 10, columns // 20, strict=True))) == 256


def test_flat_reference_does_not_divide_by_zero(setting, toy_lab):
    flat = np.full((20, 20, 3), (50, 10, -10), np.float32)
    found = color(setting, toy_lab[0][..., 0], flat)
    np.testing.assert_allclose(found, np.broadcast_to([10, -10], found.shape))
