"""The whole pipeline on the tiny world: the values in the tables, not only that there are tables."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from skimage.color import rgb2lab
from skimage.metrics import peak_signal_noise_ratio
from test_tables import errors_below
from tiny_world import LENGTH, MOTION, SIZE, assert_disjoint, camera, planned, snakemake

from media.color import rgb_from_lab
from media.flow_files import read_kitti
from media.image import frame_path, read_rgb
from media.tables import CLIPS, REFERENCES, SCORES, kept, read_table

# The rows that are given the first frame, in the order of the tables.
PROPAGATION = [
    "copy_first", "nn_match", "flow_propagation", "fusion",
    "ours_first_frame", "ours_aligned_first_frame", "ours_shipped_first_frame",
]  # fmt: skip


@pytest.fixture(scope="module")
def table(run):
    return pd.read_csv(run / "results/table1.csv").set_index("method")


def test_good_clips_are_kept_and_bad_ones_are_rows_with_a_reason(run):
    clips = read_table(run / "results/clips/test.parquet", CLIPS).set_index("source")
    fate = {name: (None if pd.isna(reason) else reason) for name, reason in clips["reason"].items()}
    assert fate == {
        "drift.mkv": None, "slide.mkv": None, "grey.mkv": "grayscale", "short.mkv": "too_short",
        "empty.mkv": "empty_file", "text.mkv": "not_a_video",
    }  # fmt: skip
    photos = read_table(run / "results/images/train.parquet", CLIPS).set_index("source")
    assert photos.loc["learn_broken.png", "reason"] == "corrupt_image"
    assert len(kept(photos)) == 3


def test_every_table_keeps_to_its_schema(run):
    assert errors_below(run / "results") == {}


def test_every_clip_has_a_contact_sheet(run):
    for split, height in (("test", SIZE[0]), ("train", SIZE[0])):
        clips = kept(read_table(run / f"results/clips/{split}.parquet", CLIPS))["clip"]
        for clip in clips:
            assert read_rgb(run / f"results/references/clips/{split}/{clip}.jpg").shape[0] > height


def test_figure7_is_the_mean_over_clips_at_each_frame(run):
    curves = pd.read_csv(run / "results/figure7.csv").set_index(["method", "frame"])
    scores = read_table(run / "results/score/copy_first.parquet", SCORES)
    psnr = scores[(scores["metric"] == "psnr") & (scores["kind"] == "clips")]
    for frame in range(1, LENGTH):
        expected = psnr.loc[psnr["frame"] == frame, "value"].astype(float).mean()
        assert curves.loc[("copy_first", frame), "psnr"] == pytest.approx(expected, rel=1e-5)
    assert list(dict.fromkeys(curves.index.get_level_values("method"))) == PROPAGATION
    assert set(curves["n_clips"]) == {2} and set(curves.index.get_level_values("frame")) == set(range(1, LENGTH))


def test_prepared_frames_are_the_sources_pixels(run):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS)).set_index("source")
    for name in MOTION:
        folder = run / "results/clips/test" / clips.loc[f"{name}.mkv", "clip"]
        for t, frame in enumerate(camera(name)):
            np.testing.assert_array_equal(read_rgb(frame_path(folder, t)), frame)


def test_flow_is_the_known_motion(run):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS)).set_index("source")
    for name, (right, down) in MOTION.items():
        for estimator in ("dis", "farneback"):
            folder = run / "results/flow" / estimator / "test" / clips.loc[f"{name}.mkv", "clip"]
            forward, visible = read_kitti(frame_path(folder / "forward", 2))
            backward, _ = read_kitti(frame_path(folder / "backward", 3))
            middle = (slice(16, -16), slice(16, -16))
            np.testing.assert_allclose(np.median(forward[middle], axis=(0, 1)), (-right, -down), atol=0.3)
            np.testing.assert_allclose(np.median(backward[middle], axis=(0, 1)), (right, down), atol=0.3)
            assert visible[middle].mean() > 0.5


def test_no_reference_is_the_item_itself(run):
    for kind in ("clips", "images"):
        references = read_table(run / f"results/references/{kind}/test.parquet", REFERENCES)
        assert (references.groupby("item").size() == 5).all()
        assert not (references["item"] == references["reference"]).any()  # one file, in two datasets here
        assert references.groupby("item")["similarity"].apply(lambda s: s.is_monotonic_decreasing).all()


def test_nothing_scored_is_trained_or_validated_on(run):
    assert_disjoint(run / "results")


def test_table1_has_its_columns_rows_and_empty_cells(run, table, world):
    header = (run / "results/table1.csv").read_text().splitlines()[0]
    assert header == (
        "method,top5,top1,fid,colorful,flicker,flicker_plus,n_images,n_clips,classifier,fid_features,steps_trained,"
        "samples_trained,"
        "top5_low,top5_high,top1_low,top1_high,colorful_low,colorful_high,flicker_low,flicker_high"
    )
    assert list(table.index) == [
        "ground_truth", "grey", "copy_first", "welsh2002", "nn_match", "flow_propagation", "fusion",
        "ours", "ours_aligned", "ours_shipped",
        "ours_first_frame", "ours_aligned_first_frame", "ours_shipped_first_frame",
    ]  # fmt: skip
    first_frame_only = PROPAGATION[:1] + PROPAGATION[2:]  # nn_match colours images too
    image_scores = table[["top5", "top1", "fid", "colorful"]]
    assert image_scores.loc[first_frame_only].isna().all(axis=None)
    assert image_scores.drop(first_frame_only).notna().all(axis=None)
    assert table["flicker"].notna().all() and table["flicker_plus"].isna().all()
    assert (table.loc["ours", ["n_images", "n_clips", "steps_trained"]] == (4, 2, 3)).all()
    assert (table.loc["ours_aligned", ["n_images", "n_clips", "steps_trained"]] == (4, 2, 4)).all()
    assert table.loc["grey", "steps_trained"] != table.loc["grey", "steps_trained"]  # empty: it does not learn


def test_known_scores(run, table):
    assert table.loc["ground_truth", "fid"] < 1e-3
    assert table.loc["grey", "fid"] > 1
    assert table.loc["grey", "colorful"] < 0.05
    assert table.loc["grey", "flicker"] < 0.01
    images = kept(read_table(run / "results/images/test.parquet", CLIPS))["clip"]
    expected = []
    for name in images:
        ab = rgb2lab(read_rgb(frame_path(run / "results/images/test" / name, 0)))[..., 1:].reshape(-1, 2)
        expected.append(np.sqrt(ab.var(0, ddof=1).sum()) + 0.37 * np.linalg.norm(ab.mean(0)))
    assert table.loc["ground_truth", "colorful"] == pytest.approx(np.mean(expected), rel=1e-5)


def test_every_metric_is_scored_and_intervals_hold_the_means(run, table):
    scores = read_table(run / "results/score/fusion.parquet", SCORES)
    assert {"psnr_ab", "ssim", "colorful_rgb", "warp_error", "cdc", "delta_cf_per_image"} <= set(scores["metric"])
    kid = read_table(run / "results/score/grey.parquet", SCORES).query("metric == 'kid'")
    assert len(kid) == 1 and kid["kind"].item() == "images"
    for column in ("top5", "top1", "colorful", "flicker"):
        filled = table[table[column].notna()]
        assert filled[column].between(filled[f"{column}_low"] - 1e-4, filled[f"{column}_high"] + 1e-4).all()
    said = (run / "results/table1.md").read_text()
    assert "flicker: with n = 2, no difference to ours can be significant among 12 compared rows" in said


def test_propagation_of_copied_colour_is_what_it_must_be(run):
    """PSNR of frame 0's ab under each frame's own L, worked out here from the scene."""
    rows = pd.read_csv(run / "results/propagation.csv").set_index(["method", "clip"])
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS)).set_index("source")
    for name in MOTION:
        truth = camera(name)
        ab = rgb2lab(truth[0])[..., 1:]
        scores = []
        for frame in truth[1:]:
            joined = rgb_from_lab(np.concatenate([rgb2lab(frame)[..., :1], ab], axis=-1))
            scores.append(peak_signal_noise_ratio(frame, joined))
        got = rows.loc[("copy_first", clips.loc[f"{name}.mkv", "clip"]), "psnr_1_24"]
        assert got == pytest.approx(np.mean(scores), abs=1e-3)
    mean = rows.xs("mean", level="clip")["psnr_1_24"]
    assert set(mean.index) == set(PROPAGATION)
    assert mean["flow_propagation"] > mean["copy_first"] + 2
    assert mean["ours_aligned_first_frame"] > mean["copy_first"] + 2  # it starts at the rule of `fusion`
    assert rows["psnr_15_24"].isna().all()  # the clips have six frames


def test_results_keep_the_inputs_luminance(run):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS))["clip"]
    for row in ("grey", "nn_match", "ours"):
        for t in range(LENGTH):
            result = read_rgb(frame_path(run / "results/colorize" / row / "clips" / clips.iloc[0], t))
            truth = read_rgb(frame_path(run / "results/clips/test" / clips.iloc[0], t))
            difference = np.abs(rgb2lab(result)[..., 0] - rgb2lab(truth)[..., 0])
            assert difference.max() < 0.26  # 8-bit rounding


def test_the_table_is_printed_and_names_the_stand_ins(run):
    markdown = (run / "results/table1.md").read_text()
    assert "EfficientNet-Lite0" in markdown and "n = 4" in markdown and "4.02" in markdown
    assert "ours_first_frame" in (run / "logs/table1.log").read_text()


def test_what_was_not_measured_is_said_once_at_the_end(run):
    """Every score lacks LPIPS here, whose weights do not ship with the project."""
    assert (run / "results/table1.md").read_text().count("LPIPS is left out") == 1
    logs = [path.read_text() for path in (run / "logs/score").glob("*.log")]
    assert logs and not any("LPIPS" in log for log in logs)


def test_the_table_calls_extensions_by_their_name(run):
    lines = [line for line in (run / "results/table1.md").read_text().splitlines() if "Training `" in line]
    (aligned,) = [line for line in lines if "Training `ours_aligned` (ours_aligned, ours_aligned_first_frame)" in line]
    assert "An extension, not the paper's model: matching context, history aligned, output gated." in aligned
    (paper,) = [line for line in lines if "Training `ours` (ours, ours_first_frame)" in line]
    assert "extension" not in paper
    assert any("Training `weights/huebench-small.safetensors` (ours_shipped, ours_shipped_first" in x for x in lines)


def test_a_propagated_clip_begins_with_the_given_frame(run):
    clips = kept(read_table(run / "results/clips/test.parquet", CLIPS))["clip"]
    for row in ("ours_first_frame", "ours_aligned_first_frame"):
        for clip in clips:
            given, result = (
                read_rgb(frame_path(run / "results" / folder / clip, 0))
                for folder in ("clips/test", f"colorize/{row}/clips")
            )
            assert np.abs(given.astype(int) - result).max() <= 1


def test_rendered_clips_are_clips_with_flow(run):
    rendered = read_table(run / "results/clips/validation.parquet", CLIPS)
    assert list(rendered["dataset"]) == ["renderings"] * 2 and (rendered["n_frames"] == LENGTH).all()
    for clip in rendered["clip"]:
        flow, visible = read_kitti(frame_path(run / "results/flow/dis/validation" / clip / "backward", LENGTH - 1))
        assert flow.shape == (*SIZE, 2) and visible.any()


def test_a_training_leaves_nothing_but_its_results(run):
    for name in ("ours", "ours_aligned"):
        files = {path.name for path in (run / "results/train" / name).iterdir()}
        assert files - {".snakemake_timestamp"} == {
            "model.safetensors", "summary.json", "metrics.jsonl", "tensorboard",
        }  # fmt: skip


def test_a_second_run_does_nothing_nor_does_a_new_line_in_the_registry(run, world):
    registry = world.with_name("datasets.tsv")
    registry.write_text(registry.read_text() + "more\tvideos\t/nowhere\t\t\t\n")
    done = snakemake(directory=run, config=world)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout


@pytest.fixture(scope="module")
def with_rows(run, world, tmp_path_factory):
    """What the same world says when three rows more are run: finished frames, a program, and one that fails.

    The finished run is then put back as it was, with the times of its files.
    """
    folder = tmp_path_factory.mktemp("rows")
    program = folder / "copy.py"
    program.write_text("import shutil, sys\nshutil.copytree(*sys.argv[1:], dirs_exist_ok=True)\n")
    config = yaml.safe_load(world.read_text())
    config["methods"] = {
        "mine": {"precomputed": str(run / "results/colorize/fusion"), "given": {"clips": []}},
        "program": {"command": f"python {program} {{frames}} {{output}}", "record": {"made": f"cat {program}"}},
        "broken": {"command": "echo no such model >&2; exit 3; {frames} {output}"},
    }
    path = folder / "rows.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    untouched = shutil.copytree(run, folder / "untouched", symlinks=True)
    done = snakemake("--quiet", "rules", directory=run, config=path)
    assert done.returncode == 0, done.stdout
    yield done.stdout
    shutil.rmtree(run)
    shutil.move(untouched, run)


def test_new_rows_run_their_own_jobs_and_what_shows_them(with_rows):
    jobs = planned(with_rows)
    assert {rule: jobs[rule] for rule in jobs if rule not in ("all", "total")} == {
        "colorize": 3, "score": 3, "table1": 1, "seconds": 1, "side_by_side": 2, "report": 1,  # Figures 6 and 10
    }  # fmt: skip


def test_rows_without_code(run, with_rows):
    table = pd.read_csv(run / "results/table1.csv").set_index("method")
    # Not equal: rounding to 8 bits changes L, and the input's is given again.
    assert table.loc["mine", "flicker"] == pytest.approx(table.loc["fusion", "flicker"], rel=2e-3)
    assert pd.isna(table.loc["mine", "fid"])
    scores = ["top5", "top1", "fid", "colorful", "flicker"]
    # The program gives back the grey frames, whose ab in scikit-image's Lab is not 0 but up to 0.005.
    difference = (table.loc["program", scores] - table.loc["grey", scores]).astype(float).abs()
    assert (difference[["top5", "top1"]] == 0).all() and (difference[["colorful", "flicker"]] < 0.06).all()
    assert list(table.index)[-3:] == ["mine", "program", "broken"]  # new rows come last
    sidecar = json.loads((run / "results/colorize/program.provenance.json").read_text())
    assert sidecar["record"]["made"][0] == "import shutil, sys"
    assert table.loc["broken", scores].isna().all() and table.loc["broken", "n_images"] == 0
    markdown = (run / "results/table1.md").read_text()
    assert "broken: no result for" in markdown and "no such model" in markdown
