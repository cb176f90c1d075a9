"""The stage: which values stand for which item and frame."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from bench import colorize, score
from bench.metrics.colorfulness import colorfulness
from media.tables import COLORIZED, SCORES, read_table, write_table


class Network:
    """Class scores and features that can be computed by hand: the picture's mean colour decides."""

    def logits(self, crop):
        scores = torch.zeros(1, 10)
        scores[0, :7] = torch.arange(7)  # class 6 first, 7 last with 8 and 9
        if crop[0, 0].mean() > crop[0, 2].mean():  # reddish
            scores[0, 7] = 99
        return scores

    def pooled(self, rgb):
        return rgb.mean(dim=(2, 3))


@pytest.fixture
def run(world, monkeypatch):
    """A function that colours and scores a row; returns the tidy table."""
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *args: Network())

    def call(row: str, options: dict | None = None, damage=None) -> pd.DataFrame:
        table, scores = world.root / "colorize" / f"{row}.parquet", world.root / "score.parquet"
        colorize.main(row=row, options=json.dumps(options or {}), table=table, **world.inputs())
        if damage:
            write_table(damage(read_table(table, COLORIZED)), table, COLORIZED)
        inputs = {name: world.inputs()[name] for name in ("clips", "images", "clip_flow", "weights")}
        score.main(row=row, colorized=table, table=scores, classifier="any", fid_features="any", **inputs)
        return read_table(scores, SCORES)

    return call


def test_ground_truth(run, world):
    table = run("ground_truth", {"precomputed": "{results}/{kind}/test"})
    assert set(table["row"]) == {"ground_truth"}
    fid = table[table["metric"] == "fid"]
    assert len(fid) == 1 and fid["item"].isna().all() and fid["value"].item() < 1e-9
    psnr = table[table["metric"] == "psnr"]
    assert (psnr["value"] == 100).all()
    assert psnr.groupby("item")["frame"].apply(list).to_dict() == {"clip_a": [0, 1, 2, 3, 4], "clip_b": [0, 1, 2, 3]}
    flicker = table[table["metric"] == "flicker_rms"]
    assert flicker.groupby("item")["frame"].apply(list).to_dict() == {"clip_a": [0, 1, 2, 3], "clip_b": [0, 1, 2]}
    assert flicker["value"].max() < 0.05  # the flow is exact
    colorful = table[table["metric"] == "colorful"].set_index("item")["value"]
    assert colorful["image_1"] == pytest.approx(colorfulness(world.images["image_1"][0]))


def test_accuracy_follows_the_colour(run, world):
    table = run("ground_truth", {"precomputed": "{results}/{kind}/test"})
    top1 = table[table["metric"] == "top1"].set_index("item")["value"].to_dict()
    centre = {name: frames[0][:, 8:56].mean(axis=(0, 1)) for name, frames in world.images.items()}
    assert top1 == {name: 100.0 * (rgb[0] > rgb[2]) for name, rgb in centre.items()}
    assert set(top1.values()) == {0, 100}


def test_copied_colours_flicker(run):
    table = run("copy_first")
    assert table[table["metric"] == "flicker_rms"]["value"].min() > 1
    assert set(table["kind"]) == {"clips"}
    psnr = table[table["metric"] == "psnr"].set_index(["item", "frame"])["value"]
    assert psnr["clip_a", 0] == 100 and psnr["clip_a", 4] < psnr["clip_a", 1] < 60


def test_failed_items_have_no_values(run):
    def damage(table):
        table.loc[table["item"].isin(["clip_a", "image_0", "image_1"]), "reason"] = "method_raised"
        return table

    table = run("grey", damage=damage)
    assert set(table["item"].dropna()) == {"clip_b", "image_2"}
    assert "fid" not in set(table["metric"])  # one picture has no covariance


def test_unlabelled_pictures_have_no_accuracy(world):
    labels = pd.Series(dict.fromkeys(world.images), dtype="Int64")
    folder = world.root / "images/test"
    found = list(score.score_images(list(world.images), folder, folder, labels, Network(), Network()))
    assert {line["metric"] for line in found} == {"colorful", "fid"}


def test_result_of_another_length_is_an_error(world):
    frames = world.clips["clip_a"]
    with pytest.raises(ValueError, match="longer"):
        list(score.score_clip(iter(frames[:1]), iter(frames), world.root / "flow/test/clip_a"))


def test_pairs_use_the_flow_of_their_frame(world):
    """With the flow of the wrong direction the same frames flicker."""
    frames = world.clips["clip_a"]
    right = list(score.score_clip(iter(frames), iter(frames), world.root / "flow/test/clip_a"))
    wrong = list(score.score_clip(iter(frames[::-1]), iter(frames), world.root / "flow/test/clip_a"))
    mean = [np.mean([line["value"] for line in lines if line["metric"] == "flicker_rms"]) for lines in (right, wrong)]
    assert mean[0] < 0.05 and mean[1] > 1
