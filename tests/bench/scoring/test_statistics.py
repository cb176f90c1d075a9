"""Intervals, p values and comparisons of methods: known answers, coverage, and what must not matter."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test

from bench.metrics.frechet import frechet_distance
from bench.scoring import statistics
from bench.scoring.statistics import (
    bootstrap,
    can_differ,
    holm,
    interval,
    mean_interval,
    rows_compared,
    sign_flip_p,
    summarize,
    wins_ties_losses,
)
from media.tables import SCORES


@pytest.fixture(scope="module")
def given():
    """Scores of two methods on 23 clips, 1000 samples of them, and the intervals that others computed."""
    with np.load(Path(__file__).parents[1] / "parity/metrics.npz") as arrays:
        return {name.partition("/")[2]: arrays[name] for name in arrays if name.startswith(("boot/", "bootstrap_ci/"))}


def test_intervals_of_the_given_samples(given):
    a, b, index = given["a"], given["b"], given["index"]
    assert interval(a[index].mean(axis=1)) == pytest.approx(given["ci95_a"], rel=1e-9, abs=1e-9)
    paired = interval(b[index].mean(axis=1) - a[index].mean(axis=1))
    assert paired == pytest.approx(given["ci95_diff"], rel=1e-9, abs=1e-9)
    assert a.mean() == pytest.approx(given["mean_a"]) and (b - a).mean() == pytest.approx(given["mean_diff"])


def test_own_samples_agree_with_the_given_intervals(given):
    """Other draws of the same clips: within the noise of a 2.5th percentile of 1000 draws, four standard errors."""
    for values, expected in ((given["a"], given["ci95_a"]), (given["b"] - given["a"], given["ci95_diff"])):
        error = values.std() / np.sqrt(len(values)) * np.sqrt(0.025 * 0.975 / 1000) / 0.0584  # normal density there
        assert mean_interval(values) == pytest.approx(expected, abs=4 * error)


def test_samples_draw_every_item_equally():
    drawn = bootstrap(lambda items: np.stack([(items == i).sum(axis=1) for i in range(4)], axis=1), 4)
    assert drawn.shape == (statistics.DRAWS, 4) and (drawn.sum(axis=1) == 4).all()
    assert drawn.mean(axis=0) == pytest.approx(1, abs=0.03) and drawn.var() == pytest.approx(0.75, abs=0.03)


def test_blocks_cover_all_draws(monkeypatch):
    monkeypatch.setattr(statistics, "BLOCK", 30)
    blocks = []
    drawn = bootstrap(lambda items: blocks.append(len(items)) or items[:, 0], 4, draws=20)
    assert blocks == [7, 7, 6] and drawn.shape == (20,)


def test_the_interval_covers_the_mean_of_normal_samples():
    rng = np.random.default_rng(1)
    samples = rng.normal(3, 2, (60, 500))  # 500 experiments on the same draws of 60 items
    low, high = mean_interval(samples, draws=1000)
    assert 0.92 <= ((low < 3) & (high > 3)).mean() <= 0.97
    width = (high - low).mean()
    assert width == pytest.approx(2 * 1.96 * 2 / np.sqrt(60), rel=0.03)


def test_one_item_has_no_interval():
    assert np.isnan(mean_interval(np.array([3.0]))).all()
    assert sign_flip_p([3.0]) == 1


def test_pairing_pays_where_methods_agree_on_what_is_hard():
    rng = np.random.default_rng(0)
    hard = rng.normal(30, 5, 40)
    a, b = hard + rng.normal(0, 0.3, 40), hard + 0.5 + rng.normal(0, 0.3, 40)
    low, high = mean_interval(b - a)
    shuffled = mean_interval(rng.permutation(b) - a)
    assert high - low < 0.1 * (shuffled[1] - shuffled[0])
    assert low > 0 > shuffled[0]


@pytest.mark.parametrize("differences", [[0.3, -0.1, 0.2, 0.2, 0.5, 0.1, 0.1], [1, 2, -4], [0.1] * 6, [0, 0]])
def test_p_of_few_items_is_exact(differences):
    def mean(x, axis):
        return x.mean(axis=axis)

    test = permutation_test((differences,), mean, permutation_type="samples", vectorized=True, n_resamples=np.inf)
    assert sign_flip_p(differences) == pytest.approx(test.pvalue)


def test_p_of_many_items_is_drawn():
    rng = np.random.default_rng(0)
    few = rng.normal(0.4, 1, 13)  # 8192 ways
    assert sign_flip_p(few, draws=8191) == pytest.approx(sign_flip_p(few), abs=0.02)
    assert sign_flip_p(rng.normal(1, 1, 2000)) == 1 / (statistics.DRAWS + 1)


def test_p_is_uniform_where_nothing_differs():
    rng = np.random.default_rng(0)
    p = np.array([sign_flip_p(rng.normal(size=6)) for _ in range(2000)])  # multiples of 1/32
    assert (p <= 0.05).mean() == pytest.approx(1 / 32, abs=0.012)
    assert p.mean() == pytest.approx(0.5 + 1 / 64, abs=0.02)


def test_holm():
    # By hand: 4 x 0.005, 3 x 0.01, then 2 x 0.03 and 1 x 0.04, which may not be below the 0.06 before it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert holm([0.02]) == pytest.approx([0.02]) and len(holm([])) == 0


@pytest.mark.parametrize("n", [5, 6, 8, 9])
@pytest.mark.parametrize("comparisons", [1, 12])
def test_few_items_cannot_differ(n, comparisons):
    """Not even where every item says the same, in one of the comparisons."""
    p = [sign_flip_p(np.ones(n)), *[1.0] * (comparisons - 1)]
    assert can_differ(n, comparisons) == (holm(p)[0] < 0.05)


def test_wins_ties_losses():
    values, others = np.array([1, 2, 0.1 + 0.2, 5]), np.array([2, 2, 0.3, 1])
    assert wins_ties_losses(values, others, "up") == (1, 2, 1)
    assert wins_ties_losses(values, others - 1, "down") == (0, 1, 3)


def test_sets_are_drawn_by_item():
    """The seam for set metrics: features of both sets indexed by the same items; the bias that is warned of shows."""
    rng = np.random.default_rng(0)
    features, truth = rng.normal(size=(2, 60, 4))
    drawn = bootstrap(lambda draw: np.array([frechet_distance(features[i], truth[i]) for i in draw]), 60, draws=100)
    assert drawn.shape == (100,) and drawn.mean() > frechet_distance(features, truth)


def scores(values: dict[str, dict[str, list[float]]], metric="psnr") -> pd.DataFrame:
    lines = [
        {"row": row, "metric": metric, "kind": "clips", "item": item, "frame": frame, "value": value}
        for row, items in values.items()
        for item, frames in items.items()
        for frame, value in enumerate(frames)
    ]
    return pd.DataFrame(lines, columns=list(SCORES)).astype(SCORES)


@pytest.fixture
def three():
    """Three methods on 12 clips of unequal lengths: b is better than a by about 1, c is a with noise."""
    rng = np.random.default_rng(5)
    hard = {f"clip_{i:02d}": rng.normal(30, 5, 2 + i % 3) for i in range(12)}
    return scores(
        {
            "a": hard,
            "b": {item: frames + rng.normal(1, 0.3) for item, frames in hard.items()},
            "c": {item: frames + rng.normal(0, 0.3) for item, frames in hard.items()},
        }
    )


def test_summary_counts_clips_not_frames():
    table = summarize(scores({"a": {"long": [1, 2, 3, 6], "short": [9]}, "b": {"long": [0, 0, 0, 0]}}), ["psnr"])
    assert table["method"].tolist() == ["a", "b"] and table["n"].tolist() == [2, 1]
    assert table["mean"].tolist() == [6, 0]
    assert table.loc[0, ["low", "high"]].tolist() == [3, 9] and table.loc[1, ["low", "high"]].isna().all()


def test_comparison(three):
    table = rows_compared(three, {"psnr": "up"}).set_index(["method", "other"])
    assert list(table.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    line = table.loc["a", "b"]
    assert line["difference"] == pytest.approx(-1, abs=0.3) and line["low"] < line["difference"] < line["high"] < 0
    assert (line["wins"], line["ties"], line["losses"]) == (0, 0, 12) and line["n"] == 12
    assert line["p"] == pytest.approx(2 / 2**12) and line["p_holm"] == pytest.approx(3 * line["p"])
    assert table["significant"].tolist() == [True, False, True]
    means = summarize(three, ["psnr"]).set_index("method")["mean"]
    assert line["difference"] == pytest.approx(means["a"] - means["b"])


def test_direction_decides_who_wins(three):
    down = rows_compared(three, {"psnr": "down"}, baseline="b").set_index("method")
    assert down.loc["a", ["wins", "losses"]].tolist() == [12, 0]


def test_family_of_a_baseline_is_smaller(three):
    table = rows_compared(three, {"psnr": "up"}, baseline="a")
    assert table[["method", "other"]].to_numpy().tolist() == [["b", "a"], ["c", "a"]]
    assert table["p_holm"][0] == pytest.approx(2 * table["p"][0])
    with pytest.raises(ValueError, match="'nobody' is none of the methods; expected one of a, b, c"):
        rows_compared(three, {"psnr": "up"}, baseline="nobody")


def test_order_of_rows_does_not_matter(three):
    shuffled = three.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(rows_compared(three, {"psnr": "up"}), rows_compared(shuffled, {"psnr": "up"}))
    pd.testing.assert_frame_equal(summarize(three, ["psnr"]), summarize(shuffled, ["psnr"]))


def test_seed_decides(three):
    first, again, other = (rows_compared(three, {"psnr": "up"}, seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert (first["low"] != other["low"]).all()


def test_identical_methods_tie():
    frames = {"x": [1, 2], "y": [3], "z": [4]}
    line = rows_compared(scores({"a": frames, "b": frames}), {"psnr": "up"}).iloc[0]
    assert line[["wins", "ties", "losses"]].tolist() == [0, 3, 0] and line["p"] == 1 and not line["significant"]


def test_few_clips_are_never_significant():
    values = {"a": {f"c{i}": [1.0] for i in range(5)}, "b": {f"c{i}": [9.0 + i] for i in range(5)}}
    assert rows_compared(scores(values), {"psnr": "up"})["significant"].tolist() == [False]


def test_unequal_clips_are_refused():
    values = {"a": {"bear": [1, 2], "wolf": [1, 2]}, "b": {"bear": [1], "swan": [3]}}
    with pytest.raises(statistics.UnequalClips, match=r"a lacks swan; b lacks 1 of 2 frames of bear, wolf\. Score all"):
        rows_compared(scores(values), {"psnr": "up"})


def test_a_value_that_is_no_number_is_missing():
    values = {"a": {"bear": [1, 2]}, "b": {"bear": [1, None]}}
    with pytest.raises(statistics.UnequalClips, match="b lacks 1 of 2 frames of bear"):
        rows_compared(scores(values), {"psnr": "up"})


def test_two_tables_of_one_name_are_refused():
    twice = pd.concat([scores({"a": {"bear": [1]}})] * 2)
    with pytest.raises(ValueError, match="a has several values for bear, frame 0"):
        summarize(twice, ["psnr"])


def test_metrics_of_whole_items_and_of_sets():
    table = scores({"a": {"x": [1.0], "y": [2.0]}}, "top1").assign(frame=pd.NA)
    table.loc[len(table)] = {"row": "a", "metric": "fid", "kind": "images", "item": pd.NA, "value": 9.0}
    found = summarize(table.astype(SCORES), ["top1", "fid"])
    assert found[["metric", "n", "mean"]].to_numpy().tolist() == [["top1", 2, 1.5]]
