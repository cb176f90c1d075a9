"""The stage: frames keep their luminance, and whatever goes wrong is a row with a reason."""

import json
import sys

import numpy as np
import pytest

from bench.methods.contract.method import Method
from bench.run import colorize
from media.color import lab_from_rgb
from media.image import frame_path, read_rgb
from media.tables import COLORIZED, REFERENCES, read_table, records, write_table
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


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        (_raises, "method_raised", "ArithmeticError: gradient of nothing"),
        (_transposed, "wrong_shape", "frame 0: expected ab (48, 64, 2), got (2, 48, 64)"),
        (_not_finite, "not_finite", "frame 0: 1 values"),
        (_too_few, "wrong_count", "expected 5 frames, the method yielded 4"),
        (_too_many, "wrong_count", "expected 5 frames, the method yielded more"),
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


@pytest.mark.parametrize("fault", [MissingWeights, MisfitWeights])
def test_missing_and_broken_weights_stop_the_run(run, use, fault):
    def without(frames, given):
        raise fault("weight file x")
        yield

    use(without)
    with pytest.raises(fault):
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
