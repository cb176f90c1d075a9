"""What only the published program does: saving truncated, its non-local average."""

import numpy as np
import torch

from bench.parity.release.program import nonlocal_average, saved_rgb


def test_saving_truncates_and_stays_in_the_gamut():
    grey = saved_rgb(np.full((1, 1), 53.86, np.float32), np.zeros((1, 1, 2), np.float32))
    assert grey[0, 0].tolist() == [128] * 3  # 128.7 in sRGB
    vivid = saved_rgb(np.full((1, 1), 50, np.float32), np.full((1, 1, 2), (120, -120), np.float32))
    assert vivid.shape == (1, 1, 3) and vivid.dtype == np.uint8


def test_nonlocal_average_keeps_an_even_colour():
    small, averaged = nonlocal_average(torch.full((1, 2, 16, 24), 5.0), torch.randn(1, 8, 16, 24))
    assert small.shape == (1, 2, 4, 6)
    torch.testing.assert_close(averaged, small)
