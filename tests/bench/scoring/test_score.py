"""The stage: which values stand for which item and frame."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.models import alexnet

from bench.metrics import cdc, kid, warp_error
from bench.metrics.colorfulness import colorfulness
from bench.metrics.psnr_ab import psnr_ab
from bench.metrics.ssim import ssim
from bench.run import colorize
from bench.scoring import score, truth
from bench.scoring.measure import Networks
from media.faults import MachineFault
from media.flow_files import read_kitti
from media.image import frame_path, read_rgb, write_png
from media.tables import CLIPS, COLORIZED, SCORES, read_table, write_table
from vision.weights import ALEXNET


class Network:
    """Class scores and features that can be computed by hand: the picture's mean colour decides."""

    resize = "bilinear"

    def logits(self, crop):
        scores = torch.zeros(1, 10)
        scores[0, :7] = torch.arange(7)  # class 6 first, 7 last with 8 and 9
        if crop[0, 0].mean() > crop[0, 2].mean():  # reddish
            scores[0, 7] = 99
        return scores

    def pooled(self, rgb):
        return rgb.mean(dim=(2, 3))


@pytest.fixture
def inputs(world, monkeypatch):
    """The arguments of the stage that are the same for all rows; what is of the ground truth has been made."""
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *args: Network())
    found = {name: world.inputs()[name] for name in ("clips", "images", "weights")}
    found |= {"scoring_flow": world.root / "flow/test.parquet", "fid_features": "any"}
    truth.main(**found, table=world.root / "truth/test.parquet")
    return found | {"truth": world.root / "truth/test.parquet", "classifier": "any"}


@pytest.fixture
def run(world, inputs):
    """A function that colours and scores a row; returns the tidy table."""

    def call(row: str, options: dict | None = None, damage=None) -> pd.DataFrame:
        table, scores = world.root / "colorize" / f"{row}.parquet", world.root / "score.parquet"
        colorize.main(row=row, options=json.dumps(options or {}), table=table, **world.inputs())
        if damage:
            write_table(damage(read_table(table, COLORIZED)), table, COLORIZED)
        call.said = score.main(row=row, colorized=table, table=scores, **inputs)
        return read_table(scores, SCORES)

    return call


def test_ground_truth(run, world):
    table = run("ground_truth", {"precomputed": "{results}/{kind}/test"})
    assert set(table["row"]) == {"ground_truth"}
    fid = table[table["metric"] == "fid"]
    assert len(fid) == 1 and fid["item"].isna().all() and fid["value"].item() < 1e-9
    psnr = table[table["metric"] == "psnr"]
    assert (psnr["value"] == 100).all()
    psnr = psnr[psnr["kind"] == "clips"]
    assert psnr.groupby("item")["frame"].apply(list).to_dict() == {"clip_a": [0, 1, 2, 3, 4], "clip_b": [0, 1, 2, 3]}
    flicker = table[table["metric"] == "flicker_rms"]
    assert flicker.groupby("item")["frame"].apply(list).to_dict() == {"clip_a": [0, 1, 2, 3], "clip_b": [0, 1, 2]}
    assert flicker["value"].max() < 0.05  # the flow is exact
    colorful = table[(table["metric"] == "colorful") & (table["kind"] == "images")].set_index("item")["value"]
    assert colorful["image_1"] == pytest.approx(colorfulness(world.images["image_1"][0]))


def test_accuracy_follows_the_colour(run, world):
    table = run("ground_truth", {"precomputed": "{results}/{kind}/test"})
    top1 = table[table["metric"] == "top1"].set_index("item")["value"].to_dict()
    center = {name: frames[0][:, 8:56].mean(axis=(0, 1)) for name, frames in world.images.items()}
    assert top1 == {name: 100.0 * (rgb[0] > rgb[2]) for name, rgb in center.items()}
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
    assert not {"fid", "kid"} & set(table["metric"])  # one picture has no covariance


def test_unlabelled_pictures_have_no_accuracy(world):
    images = pd.DataFrame({"clip": list(world.images), "label": pd.array([None, 7, None], "Int64")})
    labels, folder = score.labels_of(images), world.root / "images/test"
    assert labels == {"image_1": 7}
    for name in world.images:
        found = score.score_image(name, folder, folder, None, Networks(classifier=Network(), labels=labels)).lines
        metrics = {line["metric"] for line in found}
        assert ("top1" in metrics) == (name in labels) and "colorful" in metrics


def test_every_metric_is_scored(run, world):
    table = run("grey")
    metrics = {kind: set(table.loc[table["kind"] == kind, "metric"]) for kind in ("clips", "images")}
    of_frames = {"psnr", "psnr_ab", "ssim", "colorful", "colorful_rgb", "delta_cf_per_image", "delta_cf_rgb_per_image"}
    readings = {f"flicker_{name}" for name in ("rms", "mse_all", "mse_masked", "fro128", "l1_masked", "l1_all")}
    assert metrics["images"] == of_frames | {"top1", "top5", "fid", "kid"}
    assert metrics["clips"] == of_frames | readings | {"warp_error", "cdc"}
    assert table.loc[table["kind"] == "images", "frame"].isna().all()


def test_values_are_those_of_the_metrics(run, world):
    table = run("copy_first").set_index(["metric", "item", "frame"])["value"]
    folder, truth = world.root / "colorize/copy_first/clips/clip_a", world.clips["clip_a"]
    result = [read_rgb(frame_path(folder, index)) for index in range(5)]
    assert table["psnr_ab", "clip_a", 3] == psnr_ab(result[3], truth[3])
    assert table["ssim", "clip_a", 3] == ssim(result[3], truth[3])
    assert table["colorful", "clip_a", 3] == colorfulness(result[3])
    delta = abs(colorfulness(result[3]) - colorfulness(truth[3]))
    assert table["delta_cf_per_image", "clip_a", 3] == delta
    flow, back = (
        read_kitti(world.root / "flow/test/clip_a" / path)[0] for path in ("forward/00002.png", "backward/00003.png")
    )
    expected = warp_error.warp_error(result[2], result[3], flow, warp_error.lai_occluded(flow, back))
    assert table["warp_error", "clip_a", 2] == expected > 0
    of_clip = table.xs("cdc", level="metric").reset_index()
    assert of_clip["item"].tolist() == ["clip_a"] and of_clip["frame"].isna().all()  # clip_b has four frames
    shares = np.stack([cdc.histograms(rgb) for rgb in result])
    assert of_clip["value"].item() == pytest.approx(cdc.cdc(shares).mean(), rel=1e-12)


def test_distances_of_sets_are_the_rows(run, world):
    table = run("grey").set_index("metric")["value"]
    folders = world.root / "colorize/grey/images", world.root / "images/test"
    means = [
        np.stack(
            [read_rgb(frame_path(folder / name, 0)).astype(np.float64).mean(axis=(0, 1)) / 255 for name in world.images]
        )
        for folder in folders
    ]
    assert table["kid"] == pytest.approx(kid.kid(*means).mean, abs=1e-5)
    assert table["fid"] > 0


def test_a_missing_network_is_recorded_and_not_printed(run, capsys):
    assert "lpips" not in set(run("ground_truth", {"precomputed": "{results}/{kind}/test"})["metric"])
    (why,) = run.said["left_out"]
    assert "LPIPS" in why and "alexnet-owt-7be5be79.pth is missing" in why
    assert "LPIPS" not in "".join(capsys.readouterr())


def test_lpips_is_scored_where_its_file_is(run, world):
    (world.root / "weights").mkdir()
    torch.save(alexnet(weights=None).state_dict(), world.root / "weights" / ALEXNET.name)
    with pytest.warns(UserWarning, match="not those of the published network"):
        table = run("grey")
    lpips = table[table["metric"] == "lpips"].groupby("kind")["value"]
    assert lpips.size().to_dict() == {"clips": 9, "images": 3} and lpips.min().min() > 0
    assert run.said["left_out"] == []


@pytest.fixture
def score_clip(inputs):
    """Scores frames as clip_a."""
    stored = truth.Truth.read(inputs["truth"], inputs["images"], inputs["scoring_flow"])

    def call(result, true) -> list[dict]:
        return score.score_clip("clip_a", iter(result), iter(true), stored, Networks()).lines

    return call


def test_result_of_another_length_is_an_error(world, score_clip):
    frames = world.clips["clip_a"]
    with pytest.raises(ValueError, match="longer"):
        score_clip(frames[:1], frames)


def test_pairs_use_the_flow_of_their_frame(world, score_clip):
    """With the flow of the wrong direction the same frames flicker."""
    frames = world.clips["clip_a"]
    right, wrong = score_clip(frames, frames), score_clip(frames[::-1], frames)
    mean = [np.mean([line["value"] for line in lines if line["metric"] == "flicker_rms"]) for lines in (right, wrong)]
    assert mean[0] < 0.05 and mean[1] > 1


@pytest.fixture
def counted(monkeypatch):
    """The items that are measured, in order."""
    asked, measure = [], score.measure

    def count(kind, item, *arguments):
        asked.append(item)
        return measure(kind, item, *arguments)

    monkeypatch.setattr(score, "measure", count)
    return asked


ALL = ["clip_a", "clip_b", "image_0", "image_1", "image_2"]


def test_nothing_to_do_measures_nothing_and_loads_no_network(run, counted, monkeypatch):
    first = run("grey")
    assert counted == ALL
    counted.clear()
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *_: pytest.fail("a network is loaded"))
    pd.testing.assert_frame_equal(run("grey"), first, check_exact=True)
    assert counted == []


def test_what_was_measured_before_a_kill_is_kept(run, counted, monkeypatch, world):
    whole = run("grey")
    counted.clear()
    shutil.rmtree(world.root / "score")
    score_image = score.score_image

    def killed(item, *arguments):
        if item == "image_1" and len(counted) < 4:
            raise KeyboardInterrupt
        return score_image(item, *arguments)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(score, "score_image", killed)
        run("grey")
    assert counted == ALL[:3]
    pd.testing.assert_frame_equal(run("grey"), whole, check_exact=True)
    assert counted == ALL


def test_an_item_that_is_gone_is_in_no_distance(run, counted, world):
    whole = run("grey").set_index("metric")["value"]
    counted.clear()

    def damage(table):
        table.loc[table["item"] == "image_1", "reason"] = "method_raised"
        return table

    fewer = run("grey", damage=damage).set_index("metric")["value"]
    assert counted == [] and fewer["kid"] != whole["kid"]
    assert sorted(path.stem for path in (world.root / "score/features").iterdir()) == ["image_0", "image_2"]


@pytest.mark.parametrize("what", ["result", "truth", "flow", "mask", "label", "features", "receipt"])
def test_what_changed_is_measured_again_and_nothing_else(run, counted, inputs, world, what):
    table, frames = world.root / "colorize/grey.parquet", world.root / "colorize/grey"
    run("grey")
    counted.clear()
    if what == "result":
        write_png(frame_path(frames / "clips/clip_b", 1), world.clips["clip_b"][1])
    elif what == "truth":
        write_png(frame_path(world.root / "clips/test/clip_b", 1), world.clips["clip_b"][2])
    elif what == "flow":
        folder = world.root / "flow/test/clip_a/forward"
        shutil.copy(world.root / "flow/test/clip_a/backward/00001.png", folder / "00001.png")
    elif what == "mask":
        folder = world.root / "truth/test/clip_a/occluded"
        Image.fromarray(np.ones((48, 64), bool)).save(folder / "00001.png")
    elif what == "label":
        images = read_table(inputs["images"], CLIPS)
        write_table(images.assign(label=[7, 8, 7, None]), inputs["images"], CLIPS)
    else:
        damaged = {"features": "features/image_2.npy", "receipt": "receipts/images-image_2.json"}[what]
        (world.root / "score" / damaged).write_bytes(b"")
    score.main(row="grey", colorized=table, table=world.root / "score.parquet", **inputs)
    expected = {"result": "clip_b", "truth": "clip_b", "flow": "clip_a", "mask": "clip_a", "label": "image_1"}
    assert counted == [expected.get(what, "image_2")]


def test_a_result_that_is_gone_ends_the_job(run, inputs, world):
    run("grey")
    frame_path(world.root / "colorize/grey/images/image_1", 0).unlink()
    (world.root / "score.parquet").unlink()
    with pytest.raises(MachineFault, match=r"image_1.00000\.png"):
        score.main(
            row="grey", colorized=world.root / "colorize/grey.parquet", table=world.root / "score.parquet", **inputs
        )
    assert not (world.root / "score.parquet").exists()
