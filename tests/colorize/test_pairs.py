"""Pairs: shapes, units, the motion they claim, and that nothing but seed and index decides them."""

import numpy as np
import pytest
import torch

from colorize.losses import warp_tensor
from colorize.pairs import ClipPairs, PairStream, PhotoPairs, draw_reference


def stream(data, settings, seed=0, photo_share=0.5):
    return PairStream(ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings), 20, photo_share, seed)


def test_shapes_and_units(data, settings):
    for pair in (stream(data, settings)[k] for k in range(8)):
        assert pair["last"].shape == pair["current"].shape == pair["reference"].shape == (3, 64, 96)
        assert pair["flow"].shape == (2, 64, 96) and pair["visible"].shape == (1, 64, 96)
        assert pair["own"].shape == () and pair["own"] in (0, 1)
        assert all(value.dtype == torch.float32 for value in pair.values())
        assert 0 <= pair["current"][0].min() and 20 < pair["current"][0].max() <= 100


@pytest.mark.parametrize("photo_share", [0.0, 1.0])
def test_the_flow_leads_from_last_to_current(data, settings, photo_share):
    quiet = settings.model_copy(update={"luminance_shift": 0.0})
    pair = stream(data, quiet, photo_share=photo_share)[0]
    back = warp_tensor(pair["current"][None], pair["flow"][None])[0]
    inside = (pair["visible"][0] > 0).clone()
    inside[:, :4], inside[:, -4:], inside[:4], inside[-4:] = False, False, False, False
    still = (pair["current"] - pair["last"])[:, inside].abs().mean()
    assert (back - pair["last"])[:, inside].abs().mean() < 0.2 * still


def test_a_pair_depends_on_seed_and_index_only(data, settings):
    pairs = stream(data, settings)
    later = pairs[5]
    again = stream(data, settings)[5]
    other = stream(data, settings, seed=1)[5]
    assert all(torch.equal(later[name], again[name]) for name in later)
    assert not torch.equal(later["current"], other["current"])


def test_both_sources_are_drawn_and_a_missing_one_is_not(data, settings):
    clips, photos = ClipPairs(data.clips, settings), PhotoPairs(data.photos, settings)
    drawn = {"clips": 0, "photos": 0}
    clips.pair = lambda *a: drawn.update(clips=drawn["clips"] + 1)
    photos.pair = lambda *a: drawn.update(photos=drawn["photos"] + 1)
    mixed = PairStream(clips, photos, 200, 0.5, 0)
    [mixed[k] for k in range(200)]
    assert 60 < drawn["clips"] < 140
    clips.positions = []
    assert PairStream(clips, photos, 5, 0.1, 0).photo_share == 1.0
    data.photos.rows.clear()
    with pytest.raises(ValueError, match="nothing to train on"):
        PairStream(clips, photos, 5, 0.5, 0)


def test_own_references_come_at_their_rate(data, settings):
    frame = np.zeros((64, 96, 3), np.float32)
    path = data.photos.reference_paths["a"]
    rng = np.random.default_rng(0)
    own = [draw_reference(frame, path, settings, rng)[1] for _ in range(300)]
    assert 0.22 < np.mean(own) < 0.38
    assert draw_reference(frame, [], settings, rng)[1]  # without a retrieved one it is always its own


def test_a_crop_larger_than_the_clip_says_which_key(data, settings):
    large = settings.model_copy(update={"crop": (200, 300)})
    with pytest.raises(ValueError, match=r"training\.<name>\.crop"):
        ClipPairs(data.clips, large).pair(0, np.random.default_rng(0))
