"""The stage: frames keep their luminance, and whatever goes wrong is a row with a reason."""

import contextlib
import errno
import itertools
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from bench.methods.contract.method import Method, Setting
from bench.run import colorize
from media.color import lab_from_rgb
from media.faults import MachineFault, ending_plainly
from media.image import frame_path, read_rgb, write_png
from media.numbering import UnclearFolder
from media.tables import CLIPS, COLORIZED, REFERENCES, read_table, records, write_table
from plan.job_log import warnings
from vision.weights import MisfitWeights, MissingWeights


@pytest.fixture
def run(world):
    """A function that colours the small world with a row; returns the table by (kind, item) and the folder."""

    def call(row: str = "row", options: dict | None = None, **changes):
        given = world.inputs() | {"table": world.root / "colorize" / f"{row}.parquet"} | changes
        colorize.main(row=row, options=json.dumps(options or {}), **given)
        table = given["table"]
        return read_table(table, COLORIZED).set_index(["kind", "item"]), table.with_suffix("")

    return call


@pytest.fixture
def use(monkeypatch):
    """Let every row be coloured by a function colorize(frames, given) -> iterator of ab."""

    def set_method(function, given=None, skip=None):
        method = Method()
        method.given = {"clips": (), "images": ()} if given is None else given
        method.colorize, method.skip = function, lambda: skip
        monkeypatch.setattr(colorize, "load", lambda *args: method)

    return set_method


def grey(frames, given):
    for luminance in frames:
        yield np.zeros((*luminance.shape, 2), np.float32)


def test_ground_truth_comes_back_exactly(run, world):
    table, out = run("ground_truth", {"precomputed": "{results}/{kind}/test"})
    assert table["reason"].isna().all()
    assert table["n_frames"].to_dict() == {
        ("clips", "clip_a"): 5,
        ("clips", "clip_b"): 4,
        ("images", "image_0"): 1,
        ("images", "image_1"): 1,
        ("images", "image_2"): 1,
    }
    np.testing.assert_array_equal(read_rgb(frame_path(out / "clips/clip_a", 4)), world.clips["clip_a"][4])
    np.testing.assert_array_equal(read_rgb(frame_path(out / "images/image_2", 0)), world.images["image_2"][0])


def test_grey_keeps_the_luminance(run, world):
    _, out = run("grey")
    found = lab_from_rgb(read_rgb(frame_path(out / "clips/clip_b", 3)))
    np.testing.assert_allclose(found[..., 0], lab_from_rgb(world.clips["clip_b"][3])[..., 0], atol=0.5)
    assert np.abs(found[..., 1:]).max() < 1


@pytest.mark.parametrize(
    "options", [{"precomputed": "{results}/{kind}/test"}, {"command": "cp {frames}/*.png {output}"}]
)
def test_rows_of_finished_frames_do_not_wait_for_torch(run, monkeypatch, options):
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it fails
    table, _ = run("mine", options)
    assert len(table) == 5 and table["reason"].isna().all()


def test_a_kind_that_is_not_given_is_not_coloured(run):
    table, out = run("flow_propagation", image_references=None)
    assert set(table.index.get_level_values("kind")) == {"clips"} and not (out / "images").exists()


def test_flow_and_first_frame_reach_the_method(run, world):
    _, out = run("flow_propagation")
    found, truth = read_rgb(frame_path(out / "clips/clip_a", 4)), world.clips["clip_a"][4]
    assert np.abs(found[:, :-8].astype(int) - truth[:, :-8]).max() <= 1
    assert np.abs(found[:, -8:].astype(int) - truth[:, -8:]).max() > 10


def test_reference_reaches_the_method(run, use, world):
    seen = {}

    def look(frames, given):
        seen[given.kind, given.item] = given
        yield from grey(frames, given)

    use(look, given={"images": ("reference",)})
    run()
    given = seen["images", "image_1"]
    np.testing.assert_array_equal(given.reference, lab_from_rgb(world.images["image_0"][0]))
    assert given.first_frame is None and given.flow is None


@pytest.fixture
def second_reference(world):
    """image_1 is the reference of rank 2 of every clip."""
    table = world.root / "references/clips/test.parquet"
    path = str(frame_path(world.root / "images/test/image_1", 0))
    further = [{"item": item, "rank": 2, "reference": "image_1", "path": path} for item in world.clips]
    write_table([*records(read_table(table, REFERENCES)), *further], table, REFERENCES)


def test_the_reference_of_another_rank_reaches_the_method(run, use, world, second_reference):
    seen = {}

    def look(frames, given):
        seen[given.item] = given.reference
        yield from grey(frames, given)

    use(look, given={"clips": ("reference",)})
    run(rank=2)
    np.testing.assert_array_equal(seen["clip_b"], lab_from_rgb(world.images["image_1"][0]))
    run()
    np.testing.assert_array_equal(seen["clip_b"], lab_from_rgb(world.images["image_0"][0]))


def test_an_item_without_a_reference_of_the_rank_is_a_row(run, second_reference):
    table, _ = run("welsh2002", rank=3, images=None)
    assert set(table["reason"]) == {"no_reference"} and "rank 3" in table["detail"].iloc[0]


def test_only_the_clips_at_some_places(run, world):
    _, out = run("grey")
    table, chosen = run("grey", images=None, positions=[2, 7], table=world.root / "shown/test/2/grey.parquet")
    assert list(table.index) == [("clips", "clip_b")]
    frames = [read_rgb(frame_path(folder / "clips/clip_b", 3)) for folder in (out, chosen)]
    np.testing.assert_array_equal(*frames)


def test_results_of_a_precomputed_row_are_found_from_a_deeper_folder(run, world):
    deep = world.root / "shown/test/2/ground_truth.parquet"
    options = {"precomputed": "{results}/{kind}/test"}
    table, _ = run("ground_truth", options, images=None, table=deep, results=world.root)
    assert table["reason"].isna().all()


def _raises(frames, given):
    yield from (np.zeros((48, 64, 2)) for _ in range(2))
    raise ArithmeticError("gradient of nothing")


def _transposed(frames, given):
    for luminance in frames:
        yield np.zeros((2, *luminance.shape))


def _not_finite(frames, given):
    for ab in grey(frames, given):
        ab[0, 0, 0] = np.nan
        yield ab


def _too_few(frames, given):
    yield from list(grey(frames, given))[:-1]


def _too_many(frames, given):
    yield from grey(frames, given)
    yield np.zeros((48, 64, 2))


def _unclear(frames, given):
    raise UnclearFolder("ambiguous_frames", "1.png and 01.png")


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        (_raises, "method_raised", "ArithmeticError: gradient of nothing"),
        (_transposed, "wrong_shape", "frame 0: expected ab (48, 64, 2), got (2, 48, 64)"),
        (_not_finite, "not_finite", "frame 0: 1 values"),
        (_too_few, "wrong_count", "expected 5 frames, the method yielded 4"),
        (_too_many, "wrong_count", "expected 5 frames, the method yielded more"),
        (_unclear, "ambiguous_frames", "1.png and 01.png"),
    ],
)
def test_one_failing_item_is_a_row(run, use, bad, reason, detail):
    use(lambda frames, given: (bad if given.item == "clip_a" else grey)(frames, given))
    table, out = run()
    assert len(table) == 5
    failed = table.loc[("clips", "clip_a")]
    assert failed["reason"] == reason and detail in failed["detail"] and failed["n_frames"] == 0
    assert not (out / "clips/clip_a").exists()
    assert table.drop(("clips", "clip_a"))["reason"].isna().all()
    assert frame_path(out / "clips/clip_b", 3).exists()


def test_failed_items_are_one_warning(run, use, capsys):
    use(lambda frames, given: (grey if given.item == "clip_b" else _raises)(frames, given))
    run()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert lines == ["warning: 4 of 5 items failed: method_raised: ArithmeticError: gradient of nothing"]
    assert warnings(lines) == [lines[0].removeprefix("warning: ")]


def test_without_failed_items_there_is_no_warning(run, use, capsys):
    use(grey, skip="the licence forbids it")
    run()
    run("grey")
    assert "warning:" not in capsys.readouterr().err


def test_item_without_reference_is_a_row(run, world):
    references = world.root / "references/images/test.parquet"
    write_table(read_table(references, REFERENCES).query("item != 'image_1'"), references, REFERENCES)
    table, _ = run("welsh2002")
    assert table["reason"].dropna().to_dict() == {("images", "image_1"): "no_reference"}


def test_skip_is_a_row_for_every_item(run, use):
    use(grey, skip="the licence forbids it")
    table, out = run()
    assert table["reason"].tolist() == ["skipped"] * 5
    assert set(table["detail"]) == {"the licence forbids it"} and not out.exists()


@pytest.mark.filterwarnings("ignore:.*the published file has 9b330a0b")
def test_a_damaged_network_ends_the_job_with_a_sentence(run, tmp_path):
    (tmp_path / "colorization_release_v2-9b330a0b.pth").write_bytes(b"hello" * 600)
    with pytest.raises(SystemExit, match=r"^error: .*9b330a0b\.pth: no PyTorch file"), ending_plainly():
        run("zhang2016", weights=tmp_path)


def test_the_sidecar_says_of_a_network_that_it_is_not_the_published_one(tmp_path):
    name = "colorization_release_v2-9b330a0b.pth"
    (tmp_path / name).write_bytes(b"weights")
    said = colorize.published_networks("zhang2016", {}, Setting(tmp_path, "efficientnet_lite0", None, 0))
    assert set(said["networks"]) == {name} and "published file has 9b330a0b" in said["not_published"][name]


@pytest.mark.parametrize("error", [MissingWeights("weight file x is missing"), MisfitWeights("x is cut off")])
def test_weights_that_are_missing_or_do_not_fit_stop_the_run(run, use, error):
    def missing(frames, given):
        raise error
        yield

    use(missing)
    with pytest.raises(type(error)):
        run()


@pytest.mark.parametrize(
    ("row", "changes", "what"),
    [
        ("welsh2002", {"clip_references": None}, "'reference' on clips"),
        ("fusion", {"flow": None}, "'flow' on clips"),
    ],
)
def test_input_that_is_not_there_is_an_error(run, row, changes, what):
    with pytest.raises(ValueError, match=what):
        run(row, **changes)


def test_what_no_stage_makes_is_an_error(run, use):
    use(grey, given={"clips": ("processed",)})
    with pytest.raises(ValueError, match="`processed` needs --processed"):
        run()


def test_a_post_processor_is_given_the_other_rows_colours(run, use, world):
    _, out = run("flow_propagation")

    def handed_on(frames, given):
        for _ in frames:
            yield next(given.processed)

    use(handed_on, given={"clips": ("processed",)})
    table, after = run("flow_propagation+x", processed=world.root / "colorize/flow_propagation.parquet")
    assert table["reason"].isna().all() and set(table.index) == {("clips", "clip_a"), ("clips", "clip_b")}
    found, before = (read_rgb(frame_path(folder / "clips/clip_a", 3)).astype(int) for folder in (after, out))
    # Not equal: rounding to 8 bits changes L, and the input's is given again.
    assert np.abs(found - before).mean() < 0.1


def test_an_item_that_the_other_row_lacks_is_a_row_with_its_reason(run, use, world):
    rows = [
        {"item": "clip_a", "kind": "clips", "n_frames": 0, "reason": "method_raised", "detail": "ValueError: too dark"},
    ]
    write_table(rows, world.root / "colorize/other.parquet", COLORIZED)
    use(grey, given={"clips": ("processed",)})
    table, _ = run("other+x", processed=world.root / "colorize/other.parquet")
    assert (table["reason"] == "no_processed").all()
    assert "method_raised (ValueError: too dark)" in table.loc[("clips", "clip_a"), "detail"]
    assert "no line for it" in table.loc[("clips", "clip_b"), "detail"]


def test_randomness_depends_on_the_item_not_on_the_order(run, use, world):
    def noise(frames, given):
        for luminance in frames:
            yield np.random.normal(0, 20, (*luminance.shape, 2))

    use(noise)
    _, out = run("both")
    use(noise, given={"images": ()})
    _, alone = run("alone")
    images = [[read_rgb(frame_path(folder / "images" / item, 0)) for item in world.images] for folder in (out, alone)]
    np.testing.assert_array_equal(*images)
    _, other = run("other", seed=1)
    assert (read_rgb(frame_path(other / "images/image_0", 0)) != images[0][0]).any()


def test_frames_of_an_earlier_run_do_not_stay(run, use):
    _, out = run("grey")
    use(_raises)
    run("grey")
    assert not list(out.rglob("*.png"))


@pytest.fixture
def counted(use):
    """A row that colours grey; the items that it was asked for."""
    asked = []

    def count(frames, given):
        asked.append(given.item)
        yield from grey(frames, given)

    use(count)
    return asked


def test_nothing_to_do_colours_nothing(run, counted, monkeypatch):
    first, out = run()
    assert len(counted) == 5
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    counted.clear()
    monkeypatch.setattr("vision.backbones.load_backbone", lambda *_: pytest.fail("a network is loaded"))
    again, _ = run()
    assert counted == [] and again.equals(first)  # with the seconds that it took
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == before


def test_what_was_done_before_a_kill_is_kept(run, use, capsys):
    asked = []

    def killed(frames, given):
        asked.append(given.item)
        yield np.zeros((48, 64, 2), np.float32)
        if len(asked) == 3:
            raise KeyboardInterrupt
        yield from grey(itertools.islice(frames, 1, None), given)

    use(killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert asked == ["clip_a", "clip_b", "image_0"]
    table, out = run()
    assert asked[3:] == ["image_0", "image_1", "image_2"] and table["reason"].isna().all()
    assert "colorize row: 2 of 5 were done before, 3 to do" in capsys.readouterr().out
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]


def change_clips(world, change):
    path = world.root / "clips/test.parquet"
    write_table(change(read_table(path, CLIPS)), path, CLIPS)


def test_one_clip_more_colours_one_clip_and_one_less_is_removed(run, counted, world):
    all_of_them = read_table(world.root / "clips/test.parquet", CLIPS)
    change_clips(world, lambda table: table[table["clip"] != "clip_a"])
    run()
    counted.clear()
    change_clips(world, lambda _: all_of_them)
    _, out = run()
    assert counted == ["clip_a"] and (out / "clips/clip_a").exists()
    change_clips(world, lambda table: table[table["clip"] != "clip_b"])
    table, _ = run()
    assert counted == ["clip_a"] and not (out / "clips/clip_b").exists()
    assert ("clips", "clip_b") not in table.index


@pytest.mark.parametrize("what", ["frames", "hash", "reference", "frame of a result", "seed", "options"])
def test_what_changed_is_coloured_again_and_nothing_else(run, use, world, what):
    asked, changes, options = [], {}, {"label": 1}

    def count(frames, given):
        asked.append(given.item)
        yield from grey(frames, given)

    use(count, given={"clips": ("reference",)})
    _, out = run(options=options)
    asked.clear()
    if what == "frames":
        write_png(frame_path(world.root / "clips/test/clip_b", 1), world.clips["clip_b"][2])
    elif what == "hash":
        change_clips(world, lambda table: table.assign(sha256=["a", pd.NA, pd.NA]))
    elif what == "reference":
        write_png(frame_path(world.root / "references/clips/test/image_0", 0), world.images["image_1"][0])
    elif what == "frame of a result":
        frame_path(out / "clips/clip_b", 2).write_bytes(b"")
    elif what == "seed":
        changes["seed"] = 1
    else:
        options = {"label": 2}
    run(options=options, **changes)
    of_one = {"frames": ["clip_b"], "hash": ["clip_a"], "frame of a result": ["clip_b"]}
    assert asked == of_one.get(what, ["clip_a", "clip_b"])
    assert frame_path(out / "clips/clip_b", 2).stat().st_size


def test_the_frames_of_a_precomputed_row_are_part_of_it(run, world):
    options = {"precomputed": "{results}/mine"}
    shutil.copytree(world.root / "clips/test", world.root / "mine/clips")
    shutil.copytree(world.root / "images/test", world.root / "mine/images")
    run("mine", options)
    write_png(frame_path(world.root / "mine/clips/clip_a", 0), world.clips["clip_a"][0][..., ::-1])
    _, out = run("mine", options)
    ab = lab_from_rgb(read_rgb(frame_path(out / "clips/clip_a", 0)))[..., 1:]
    assert np.abs(ab - lab_from_rgb(world.clips["clip_a"][0])[..., 1:]).max() > 10


def test_a_failed_item_is_tried_again(run, use):
    use(lambda frames, given: (_raises if given.item == "clip_a" else grey)(frames, given))
    run()
    use(grey)
    table, out = run()
    assert table["reason"].isna().all() and len(list((out / "clips/clip_a").iterdir())) == 5


def test_a_moved_folder_is_not_coloured_again(run, world, counted):
    run()
    counted.clear()
    moved = replace(world, root=world.root.with_name(f"{world.root.name} moved"))
    world.root.rename(moved.root)
    colorize.main(row="row", options="{}", table=moved.root / "colorize/row.parquet", **moved.inputs())
    assert counted == []


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EIO, "Input/output error"), torch.OutOfMemoryError()])
def test_a_fault_of_the_machine_in_a_method_ends_the_job(run, use, world, error):
    def faulty(frames, given):
        yield from grey(frames, given)
        if given.item == "clip_b":
            raise ValueError("the method gave up") from error

    use(faulty)
    with pytest.raises(MachineFault, match="colouring clips clip_b"):
        run()
    assert not (world.root / "colorize/row.parquet").exists()
    assert [path.name for path in (world.root / "colorize/row/receipts").iterdir()] == ["clips-clip_a.json"]
    assert not (world.root / "colorize/row/clips/clip_b").exists()


def test_a_full_disk_ends_the_job(run, use, world, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    use(grey)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(colorize, "write_png", full)
        run()
    assert not [path for path in (world.root / "colorize").rglob("*") if path.is_file()]
    assert run()[0]["reason"].isna().all()


def swallowing(frames, given):
    """A method that goes on whatever happens to its inputs."""
    for _ in range(5 if given.item == "clip_a" else 4):
        with contextlib.suppress(Exception):
            next(frames)
            next(given.flow)
        yield np.zeros((48, 64, 2), np.float32)


def wrapping(frames, given):
    try:
        yield from grey(frames, given)
        list(given.flow)
    except Exception:
        raise ValueError("my input was odd") from None


@pytest.mark.parametrize("method", [swallowing, wrapping])
@pytest.mark.parametrize("lost", ["clips/test/clip_b/00002.png", "flow/test/clip_b/backward/00002.png"])
def test_an_input_that_is_gone_ends_the_job_whatever_the_method_does(run, use, world, monkeypatch, method, lost):
    def gone_by_then(*arguments):
        (world.root / lost).unlink(missing_ok=True)
        return colorize_item(*arguments)

    colorize_item = colorize.colorize_item
    monkeypatch.setattr(colorize, "colorize_item", gone_by_then)
    use(method, given={"clips": ("flow",)})
    with pytest.raises(MachineFault, match=r"00002\.png"):
        run()
    assert not (world.root / "colorize/row.parquet").exists()


def test_a_fault_ends_the_command_with_a_sentence(world):
    change_clips(world, lambda table: table.assign(sha256="known"))
    frame_path(world.root / "clips/test/clip_a", 1).unlink()
    given = {name.replace("_", "-"): str(path) for name, path in world.inputs().items()}
    words = [word for name, path in given.items() for word in (f"--{name}", path)]
    command = [sys.executable, "-m", "bench.run.colorize", "--row", "grey", "--options", "{}", *words]
    done = subprocess.run([*command, "--table", str(world.root / "grey.parquet")], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "error: " in done.stderr and "00001.png" in done.stderr
    assert not (world.root / "grey.parquet").exists()
