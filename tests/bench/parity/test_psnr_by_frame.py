"""PSNR against the index of the frame: known curves."""

import numpy as np

from bench.parity.peers.psnr_by_frame import by_frame, curve


def test_clips_of_two_lengths():
    table = by_frame([[100, 40, 38], [100, 30, 26, 20]])
    assert np.isnan(table[0, 3]) and table[1].tolist() == [100, 30, 26, 20]
    assert curve(table, clips="shortest").tolist() == [100, 35, 32]
    assert curve(table, clips="alive").tolist() == [100, 35, 32, 20]
