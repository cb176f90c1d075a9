"""The command `score` on real folders: its numbers against the metrics and the pipeline's, and what it prints."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.metrics.colorfulness import colorfulness
from bench.metrics.flicker import flicker
from bench.metrics.psnr import psnr
from bench.scoring import score_folders
from bench.scoring.measure import TRUTH, Frame, Networks, known_of, module_of
from bench.scoring.measure_folders import GREY, read_labels, row_names
from bench.scoring.measure_folders import score_folders as measure_folders
from bench.scoring.score import score_clip
from bench.scoring.statistics import rows_compared
from bench.scoring.truth import Truth, occluded_dir, write_occluded
from media.color import grey8, lab_from_rgb, luminance_from_rgb, with_luminance
from media.flow_files import write_kitti
from media.image import frame_path, read_rgb, write_png
from vision.flow_estimators import farneback
from vision.occlusion import ruder_visible_both


@pytest.fixture
def folders(tmp_path, moving):
    """Truth of three clips, `half` with half of its colours, `still` with those of the first frame."""
    for clip in range(3):
        frames = moving(clip, 4 + clip, step=2)
        first = lab_from_rgb(frames[0])[..., 1:]
        for index, rgb in enumerate(frames):
            lab = lab_from_rgb(rgb)
            write_png(frame_path(tmp_path / "truth" / f"clip{clip}", index), rgb)
            for name, ab in (("half", lab[..., 1:] / 2), ("still", first)):
                write_png(frame_path(tmp_path / name / f"clip{clip}", index), with_luminance(lab[..., 0], ab))
    return tmp_path


NETWORKS = Networks(farneback)


@pytest.fixture
def run(folders):
    """A function that runs the command on these results; returns its table."""

    def call(*results: str, **options) -> pd.DataFrame:
        options = {"fid_features": "none", "weights": folders, "out": folders / "scores.csv", **options}
        score_folders.main(result=tuple(folders / name for name in results), truth=folders / "truth", **options)
        path = options["out"]
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, float_precision="round_trip")

    return call


def values(table: pd.DataFrame, row: str, metric: str) -> dict:
    found = table[(table["row"] == row) & (table["metric"] == metric)]
    return {(line.item, line.frame): line.value for line in found.itertuples()}


def test_values_are_those_of_the_metrics(folders):
    table = measure_folders([folders / "half"], folders / "truth", NETWORKS)
    assert set(table["row"]) == {"half", TRUTH, GREY} and set(table["kind"]) == {"clips"}
    result, truth = (read_rgb(frame_path(folders / name / "clip1", 2)) for name in ("half", "truth"))
    assert values(table, "half", "psnr")["clip1", 2] == psnr(result, truth)
    assert values(table, "half", "colorful")["clip1", 2] == colorfulness(result)
    delta = colorfulness(truth) - colorfulness(result)
    assert values(table, "half", "delta_cf_per_image")["clip1", 2] == pytest.approx(delta)
    assert len(values(table, "half", "psnr")) == 4 + 5 + 6
    assert len(values(table, "half", "flicker_rms")) == len(values(table, "half", "warp_error")) == 3 + 4 + 5
    assert {item for item, _ in values(table, "half", "cdc")} == {"clip1", "clip2"}  # of clip0 there are 4 frames only


def test_flicker_uses_the_motion_of_the_truth(folders):
    table = measure_folders([folders / "still"], folders / "truth", NETWORKS)
    truth = [read_rgb(frame_path(folders / "truth/clip0", index)) for index in (1, 2)]
    result = [lab_from_rgb(read_rgb(frame_path(folders / "still/clip0", index)))[..., 1:] for index in (1, 2)]
    grey = [grey8(luminance_from_rgb(rgb)) for rgb in truth]
    flow = farneback(*grey)
    visible, _ = ruder_visible_both(flow, farneback(*grey[::-1]))
    expected = flicker(*result, flow, visible)
    assert values(table, "still", "flicker_rms")["clip0", 1] == pytest.approx(expected["flicker_rms"])
    assert values(table, "still", "flicker_rms")["clip0", 1] > 2 * values(table, TRUTH, "flicker_rms")["clip0", 1]


def test_the_pipeline_finds_the_same(folders):
    """The stage on the same frames, with the flow of its files: rounded to 1/64 px, little beside colours at rest."""
    truth, result = ([read_rgb(p) for p in sorted((folders / name / "clip2").iterdir())] for name in ("truth", "still"))
    for index in range(len(truth) - 1):
        pair = [grey8(luminance_from_rgb(rgb)) for rgb in truth[index : index + 2]]
        flow = farneback(*pair)
        back = farneback(*pair[::-1])
        visible, visible_back = ruder_visible_both(flow, back)
        write_kitti(frame_path(folders / "flow/clip2/forward", index), flow, visible)
        write_kitti(frame_path(folders / "flow/clip2/backward", index + 1), back, visible_back)
    write_occluded(folders / "flow/clip2", occluded_dir(folders / "masks", "clip2"), len(truth))
    known = {("clips", "clip2", index): known_of(Frame(rgb), None).values for index, rgb in enumerate(truth)}
    stored = Truth(known, {}, occluded=folders / "masks", scoring_flow=folders / "flow")
    pipeline = pd.DataFrame(score_clip("clip2", iter(result), iter(truth), stored, NETWORKS).lines)
    table = measure_folders([folders / "still"], folders / "truth", NETWORKS)
    own = table[(table["row"] == "still") & (table["item"] == "clip2")]
    both = own.merge(pipeline, on=["metric", "frame"], suffixes=("", "_pipeline"))
    assert len(both) == len(own) == len(pipeline)
    np.testing.assert_allclose(both["value"].astype(float), both["value_pipeline"], rtol=0.01)


def test_truth_and_grey_frame_the_results(folders):
    table = measure_folders([folders / "half"], folders / "truth", NETWORKS)
    mean = table.groupby(["metric", "row"])["value"].mean().unstack()
    assert mean.loc["psnr", TRUTH] == 100 and mean.loc["ssim", TRUTH] == 1
    assert mean.loc["delta_cf_per_image", TRUTH] == 0 and mean.loc["colorful", GREY] < 0.005
    for metric in ("psnr", "psnr_ab", "ssim", "colorful", "colorful_rgb", "flicker_rms"):
        assert mean.loc[metric, GREY] < mean.loc[metric, "half"] < mean.loc[metric, TRUTH], metric


def test_given_frames_are_not_counted(run):
    table = run("half", reference_frames="first")
    assert {frame for _, frame in values(table, "half", "psnr")} == {1, 2, 3, 4, 5}
    assert {frame for _, frame in values(table, "half", "flicker_rms")} == {0, 1, 2, 3, 4}


def test_jobs_do_not_change_a_value(folders):
    one, three = (measure_folders([folders / "half"], folders / "truth", NETWORKS, jobs=jobs) for jobs in (1, 3))
    pd.testing.assert_frame_equal(one, three)


def test_csv_and_parquet_hold_the_same(run, folders):
    csv, parquet = run("half"), run("half", out=folders / "scores.parquet")
    assert csv["value"].tolist() == parquet["value"].tolist() and list(csv.columns) == list(parquet.columns)


def test_sets_need_features(folders):
    class MeanColour:
        def pooled(self, rgb):
            return rgb.mean(dim=(2, 3))

    table = measure_folders([folders / "half"], folders / "truth", Networks(farneback, MeanColour()))
    fid = table[table["metric"] == "fid"].set_index("row")
    assert fid["item"].isna().all() and fid["frame"].isna().all()
    assert fid.loc[TRUTH, "value"] < 1e-9 < fid.loc["half", "value"] < fid.loc[GREY, "value"]
    assert set(table.loc[table["metric"] == "kid", "row"]) == {TRUTH, GREY, "half"}


def test_labelled_pictures(tmp_path, picture, capsys):
    for index, name in enumerate(("cat", "dog")):
        for folder in ("truth", "mine"):
            write_png(frame_path(tmp_path / folder / name, 0), picture(index))
    (tmp_path / "labels.csv").write_text("item,label\ncat,3\n")
    score_folders.main(
        result=(tmp_path / "mine",), truth=tmp_path / "truth", out=tmp_path / "scores.csv",
        labels=tmp_path / "labels.csv", weights=tmp_path,
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "scores.csv")
    assert set(table["kind"]) == {"images"} and "flicker_rms" not in set(table["metric"])
    top5 = values(table, "mine", "top5")
    assert list(top5) == [("cat", 0)] and next(iter(top5.values())) in (0, 100)
    said = capsys.readouterr().out
    assert "Top-1" not in said and "stand-in for Inception's: not comparable" in said and "Flicker" not in said


def test_labels_of_other_columns_are_refused(run, folders):
    (folders / "labels.csv").write_text("file,class\ncat,3\n")
    with pytest.raises(SystemExit, match="expected the columns item and label, found file, class"):
        run("half", labels=folders / "labels.csv")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("cat,3\n\ncat,4\n", r"line 4: the item 'cat' has the label 4, and 3 in a line above"),
        ("cat,9999\n", r"line 2: the item 'cat' has the label '9999'; expected an ImageNet class index, 0 to 999"),
        ("cat,1000\n", "'1000'"),
        ("dog,7\ncat,1.5\n", r"line 3: the item 'cat' has the label '1\.5'"),
        ("cat,\n", "line 2: the item 'cat' has the label ''"),
        ("cat\n", "line 2: the item 'cat' has the label ''"),
        ("cat,-1\n", "'-1'"),
        ("cat,nan\n", "'nan'"),
        ("cat,tabby\n", "'tabby'"),
        (",3\n", "line 2: the label '3' has no item"),
    ],
)
def test_a_label_that_makes_no_sense_is_named_with_its_line(tmp_path, lines, said):
    (tmp_path / "labels.csv").write_text(f"item,label\n{lines}")
    with pytest.raises(ValueError, match=rf"labels\.csv, {said}" if said.startswith("line") else said):
        read_labels(tmp_path / "labels.csv")


def test_labels_may_be_written_as_spreadsheets_do(tmp_path):
    (tmp_path / "labels.csv").write_text('label, item ,more\n 7.0, NA ,x\n0,"a, b"\n7,NA\n')
    assert read_labels(tmp_path / "labels.csv") == {"NA": 7, "a, b": 0}


def test_summary(run, capsys):
    table = run("half", reference_frames="first")
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if line.startswith("| psnr "))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    clips = table[(table["row"] == "half") & (table["metric"] == "psnr")].groupby("item")["value"].mean()
    assert cells[1:4] == ["dB", "up", f"{clips.mean():.4g}"] and cells[5] == "3"
    low, high = map(float, cells[4].split(" .. "))
    assert clips.min() * 0.999 <= low < clips.mean() < high <= clips.max() * 1.001
    assert cells[6] == f"{clips.idxmax()} {clips.max():.4g}" and cells[7] == f"{clips.idxmin()} {clips.min():.4g}"
    assert "n = 3 items, 12 frames" in said and "Frame 0 of each clip was given and is not counted" in said
    assert "Top-1 and Top-5 are left out" in said and "cdc is left out for 1 clips" in said and "Ranking" not in said
    flicker_line = next(line for line in said.splitlines() if line.startswith("| flicker_rms"))
    means = table[table["metric"] == "flicker_rms"].groupby(["row", "item"])["value"].mean().groupby("row").mean()
    assert flicker_line.strip("| ").endswith(f"{means['half'] / means[TRUTH]:.3f}")


def test_colourfulness_is_best_where_it_is_nearest(run, capsys):
    run("half")
    said = capsys.readouterr().out
    cells = re.search(r"^\| colorful .*$", said, re.M).group().strip("|").split("|")
    deltas = re.search(r"^\| delta_cf_per_image .*$", said, re.M).group().strip("|").split("|")
    assert [cell.split()[0] for cell in cells[6:8]] == [cell.split()[0] for cell in deltas[6:8]]


def test_ranking(run, folders, capsys):
    table = run("half", "still", pairs=folders / "pairs.csv")
    said = capsys.readouterr().out
    ranked = [line.split("|")[1:4] for line in said.partition("Ranking")[2].splitlines() if line.startswith("| psnr ")]
    means = table[table["metric"] == "psnr"].groupby(["row", "item"])["value"].mean().groupby("row").mean()
    assert [name.strip() for _, _, name in ranked] == sorted(("half", "still"), key=means.get, reverse=True)
    assert "not significant" in said and "| flicker_mse_all" not in said.partition("Ranking")[2]
    pairs = pd.read_csv(folders / "pairs.csv")
    own = table[table["row"].isin(["half", "still"])].assign(frame=table["frame"].astype("Int64"))
    expected = rows_compared(own, {metric: module_of(metric).DIRECTION for metric in pairs["metric"].unique()})
    pd.testing.assert_frame_equal(pairs, expected, check_dtype=False)
    assert not {"fid", "colorful", GREY, TRUTH} & set(pairs[["metric", "method", "other"]].to_numpy().ravel())


@pytest.mark.parametrize("best, worse", [("a", "b"), ("b", "a")])
def test_differences_are_those_of_the_row_to_the_best(best, worse):
    """Whatever their order in the table of pairs."""
    values = {best: [30, 31, 32, 20], worse: [28, 30, 29, 21]}
    lines = [
        {"row": row, "metric": "psnr", "kind": "clips", "item": f"clip{i}", "frame": 0, "value": float(value)}
        for row, of_row in values.items()
        for i, value in enumerate(of_row)
    ]
    scores = pd.DataFrame(lines)
    compared = score_folders.comparison(scores, ["a", "b"], None, seed=0)
    said = score_folders.ranking(scores, compared, ["a", "b"], None)
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in said.splitlines() if line.startswith("| psnr")
    ]
    assert [line[2] for line in cells] == [best, worse]
    assert cells[1][4] == "-1.25" and cells[1][6] == "1/0/3"
    low, high = map(float, cells[1][5].split(" .. "))
    assert low < -1.25 < high and cells[0][4:] == [""] * 5


def test_baseline(run, folders, capsys):
    run("half", "still", baseline="half", pairs=folders / "pairs.csv")
    assert "differences to half" in capsys.readouterr().out
    assert set(pd.read_csv(folders / "pairs.csv")["other"]) == {"half"}
    with pytest.raises(SystemExit, match="'grey' is none of the results; expected one of half, still"):
        run("half", "still", baseline="grey")


def test_unequal_clips_are_refused_before_scoring(run, folders):
    shutil.rmtree(folders / "still/clip1")
    with pytest.raises(SystemExit, match="still lacks clip1: every clip"):
        run("half", "still")
    assert not (folders / "scores.csv").exists()


def test_a_file_that_breaks_off_is_named(run, folders):
    path = frame_path(folders / "half/clip1", 2)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(SystemExit, match=r"half/clip1/00002\.png: cannot be decoded"):
        run("half")


def test_other_suffixes_are_refused_before_scoring(run, folders):
    with pytest.raises(SystemExit, match=r"scores\.xlsx: expected a name that ends with \.csv or \.parquet"):
        run("half", out=folders / "scores.xlsx")


def shifted(folders, change):
    for path in sorted((folders / "half").glob("*/*.png")):
        write_png(path, change(read_rgb(path)))


def test_another_luminance_is_warned_of(run, folders, capsys):
    run("half", "still")
    assert "luminance" not in capsys.readouterr().err  # rounding, and colours outside sRGB
    shifted(folders, lambda rgb: np.clip(rgb.astype(int) + 1, 0, 255).astype(np.uint8))
    run("half", "still")
    said = capsys.readouterr().err
    assert "half does not have the ground truth's luminance in 3 of 3 clips" in said and "still" not in said


def test_grey_results_need_no_channels(run, folders):
    """8-bit grey PNG as many programs write it is read as R = G = B."""
    for path in sorted((folders / "half").glob("*/*.png")):
        Image.open(path).convert("L").save(path)
    table = run("half")
    assert max(values(table, "half", "colorful_rgb").values()) == 0


def test_rows_of_one_name(tmp_path):
    folders = [tmp_path / name for name in ("a/out", "b/out", "mine", "grey")]
    assert list(row_names(folders)) == [str(folders[0]), str(folders[1]), "mine", str(folders[3])]
    with pytest.raises(ValueError, match="given twice"):
        row_names([tmp_path / "a", tmp_path / "b/../a"])


@pytest.mark.parametrize("metric", ["flicker_rms", "warp_error", "psnr_ab", "delta_cf_per_image", "lpips", "top5"])
def test_every_value_says_which_side_is_better(metric):
    assert module_of(metric).DIRECTION in ("up", "down")
