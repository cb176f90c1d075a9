"""Figure 3: the pairs that a training makes of photographs, with their masks."""

import json

import numpy as np
import pandas as pd
import pytest

from bench.figures import figure3
from media.document import read
from media.image import read_rgb

SETTINGS = {"method": "ours", "frame": [24, 32], "crop": [16, 16], "luminance_noise": 0, "luminance_shift": 0}


@pytest.fixture
def draw(world, tmp_path):
    def make(folder="figure3", **changes):
        figure3.main(
            photos=world.root / "images/test.parquet", settings=json.dumps(SETTINGS | changes), training="ours", seed=0,
            count=2, folder=tmp_path / folder,
        )  # fmt: skip
        return tmp_path / folder

    return make


def test_a_strip_has_the_frame_the_moved_one_and_the_mask(draw, world):
    folder = draw()
    shown = pd.read_csv(folder / "shown.csv")
    assert list(shown["row"])[:3] == ["first_frame", "second_frame", "mask"]
    assert len(list(folder.glob("*.png"))) == shown["item"].nunique() == min(2, len(world.images))
    assert shown["visible"].dropna().between(0, 1).all() and (shown["motion"].dropna() > 0).all()
    kinds = [note.kind for note in read(folder / "figure.json").notes]
    assert kinds[:2] == ["training", "shown"] and "not used" not in kinds
    assert "not used" in [note.kind for note in read(draw("none", photo_share=0) / "figure.json").notes]


def test_it_repeats_and_the_noise_is_seen(draw):
    first = next(iter(sorted(draw().glob("*.png"))))
    pictures = [read_rgb(draw(f"again{k}", luminance_noise=noise) / first.name) for k, noise in enumerate((0, 0, 20))]
    assert np.array_equal(pictures[0], read_rgb(first)) and np.array_equal(*pictures[:2])
    assert not np.array_equal(pictures[0], pictures[2])


def test_without_distortion_nothing_moves_and_all_is_visible(draw):
    shown = pd.read_csv(draw(distortion=0) / "shown.csv")
    assert set(shown["motion"].dropna()) == {0} and set(shown["visible"].dropna()) == {1}
