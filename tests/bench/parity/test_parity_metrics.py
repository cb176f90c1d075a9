"""`python -m bench parity`: the given vectors pass, and it tells when something is off, missing or unknown."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main as command
from bench.parity.peers.entries import entry_checked, output_checked
from bench.parity.peers.manifest import Case, Entry, read_entries
from bench.parity.tolerances import relative
from bench.parity.vectors import main, read_arrays

ROOT = Path(__file__).parents[3]
VECTORS = Path(__file__).with_name("metrics.npz")
MANIFEST = VECTORS.with_suffix(".json")
ENTRIES = {entry["name"]: entry for entry in json.loads(MANIFEST.read_text())["entries"]}


@pytest.fixture(scope="module")
def arrays():
    return read_arrays(VECTORS)


@pytest.fixture
def verdict(tmp_path, capsys):
    """Runs the command on arrays and entries: exit code, and what it printed."""

    def run(arrays, *entries):
        np.savez(tmp_path / "some.npz", **arrays)
        (tmp_path / "some.json").write_text(json.dumps({"entries": entries}))
        try:
            main(tmp_path / "some.npz", tmp_path / "some.json")
        except SystemExit as end:
            return end.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def an_entry(group: str, inputs: dict, outputs: list[str], **more) -> dict:
    """An entry of its own name whose outputs lie in the file under `out/`."""
    named = {output: f"out/{output}" for output in outputs}
    return {"name": "mine", "group": group, "inputs": inputs, "outputs": named, "rtol": 1e-6, "atol": 1e-9} | more


@pytest.mark.parametrize("name", ENTRIES)
def test_the_given_entry_passes(name, arrays):
    lines = list(entry_checked(Entry.model_validate(ENTRIES[name]), arrays))
    assert [line.key for line in lines] == [f"{name}/{output}" for output in ENTRIES[name]["outputs"]]
    assert all(line.passed or not line.judged for line in lines), lines


@pytest.mark.parametrize("name", ENTRIES)
def test_every_changed_output_misses_unless_it_is_for_reference_only(name, arrays):
    entry = Entry.model_validate(ENTRIES[name])
    for output, key in entry.outputs.items():
        rtol, atol = entry.tolerance(output)
        changed = np.array(np.nan_to_num(arrays[key].astype(np.float64)))
        changed.flat[-1] += 3 * (atol + rtol * abs(changed.flat[-1])) + 1e-6
        line = output_checked(Case(entry, arrays | {key: changed}), output)
        assert not line.passed and line.judged == (output not in entry.reference_only), line


def test_the_command_prints_and_exits():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "parity", VECTORS, MANIFEST], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "36 of 36 entries pass\n109 of 109 outputs within tolerance" in done.stdout
    assert "MISS" not in done.stdout and done.stdout.count("\nref ") == 10
    line = next(line for line in done.stdout.splitlines() if "kid_subsets_seed2020/mean" in line)
    assert "got 0.132245587 expected 0.132245587 difference 0 tolerance 1e-09 + 1e-07 relative" in line


def test_help_lists_the_commands_and_another_is_refused(capsys):
    with pytest.raises(SystemExit) as end:
        command(["--help"])
    assert not end.value.code and "parity" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        command(["smell"])
    assert end.value.code


def test_a_changed_vector_misses(arrays, verdict):
    entry = ENTRIES["topk_accuracy"]
    assert verdict(arrays, entry)[0] == 0
    code, printed = verdict(arrays | {"topk_accuracy/top1_percent": np.float64(32)}, entry, ENTRIES["kid_full_set"])
    assert code == 1 and "MISS  topk_accuracy/top1_percent" in printed and "got 31.25 expected 32" in printed
    assert "1 of 2 entries pass\n3 of 4 outputs within tolerance" in printed and "1 missed" in printed


@pytest.mark.parametrize("name, key", [("flicker_clipA", "clipA/flow_fw"), ("ssim_image", "ps/gt")])
def test_a_changed_input_misses(name, key, arrays, verdict):
    assert verdict(arrays | {key: arrays[key][:, ::-1]}, ENTRIES[name])[0] == 1


@pytest.mark.parametrize(
    "change, says",
    [
        ({"group": "smell"}, "no rule here for group smell; there are colorfulness, "),
        ({"outputs": {"top1": "topk_accuracy/top1_percent"}}, "no rule here for this output of group accuracy"),
        ({"outputs": {"top1_percent": "nowhere"}}, "the file has no array nowhere, its expected value"),
        ({"outputs": {}}, "the entry has no outputs"),
        ({"inputs": {"logits": "acc/logits"}}, "failed with KeyError: 'no input labels, only logits'"),
        ({"inputs": {"logits": "acc/logits", "labels": "acc/none"}}, "is 'acc/none', which names no array"),
        ({"outputs": {"top5_percent": "acc/labels"}}, "got shape (), expected (64,)"),
        ({"rtol": "much"}, "MISS  manifest"),
        ({"outputs": None}, "entry topk_accuracy: outputs: "),
    ],
)
def test_what_cannot_be_computed_misses_and_says_why(change, says, arrays, verdict):
    code, printed = verdict(arrays, ENTRIES["topk_accuracy"] | change)
    assert code == 1 and "MISS" in printed and says in printed


def test_an_unknown_output_is_printed_but_not_judged_if_it_is_for_reference_only(arrays, verdict):
    known = ENTRIES["topk_accuracy"]
    more = known | {"outputs": known["outputs"] | {"top1_of_peer": "acc/labels"}}
    assert verdict(arrays, more)[0] == 1
    code, printed = verdict(arrays, more | {"reference_only": ["top1_of_peer"]})
    assert code == 0 and "ref   topk_accuracy/top1_of_peer" in printed and "no rule here" in printed


def test_a_file_with_nothing_to_judge_fails(arrays, verdict):
    assert verdict(arrays)[0] == 1


def test_a_selection_of_entries_arrays_and_outputs_passes(arrays, verdict):
    """One output of an entry needs only its own inputs, and no rule looks at names of entries, calls or notes."""
    few = {key: arrays[key] for key in ("study/rankings", "user_study/mean_rank", "cdc_alt/frames", "clipA/gt_rgb")}
    study = ENTRIES["user_study"] | {"outputs": {"mean_rank": "user_study/mean_rank"}, "name": "other", "call": "?"}
    psnr = an_entry("psnr", {"a_gt_rgb": "clipA/gt_rgb", "a_result_rgb": "clipA/gt_rgb"}, ["mean_over_clips", "curve"])
    few |= {"out/mean_over_clips": np.inf, "out/curve": np.full(7, 20 * np.log10(255 / 1e-27))}
    code, printed = verdict(few, study, psnr)
    assert code == 0, printed


# Entries with other sizes, names and settings than the given ones, and their arrays from plain formulas.


def of_bootstrap(rng) -> tuple[dict, dict]:
    scores, draws = rng.normal(size=(2, 9)), rng.integers(9, size=(40, 9))
    entry = an_entry("bootstrap", {"a": "a", "b": "b", "index": "i"}, ["ci90_b", "ci80_diff", "mean_b"])
    return entry, {
        "a": scores[0],
        "b": scores[1],
        "i": draws,
        "out/ci90_b": np.percentile(scores[1][draws].mean(1), [5, 95]),
        "out/ci80_diff": np.percentile((scores[1] - scores[0])[draws].mean(1), [10, 90]),
        "out/mean_b": scores[1].mean(),
    }


def of_accuracy(rng) -> tuple[dict, dict]:
    logits, labels = rng.normal(size=(30, 7)), rng.integers(7, size=30)
    top3 = 100 * (np.argsort(logits)[:, -3:] == labels[:, None]).any(axis=1).mean()
    entry = an_entry("accuracy", {"logits": "l (30 rows)", "labels": "t"}, ["top3_percent"])
    return entry, {"l": logits, "t": labels, "out/top3_percent": top3}


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    middle = (p + q) / 2
    ratios = [np.divide(one, middle, where=one > 0, out=np.ones(256)) for one in (p, q)]
    return (p @ np.log(ratios[0]) + q @ np.log(ratios[1])) / 2


def of_cdc(rng) -> tuple[dict, dict]:
    frames = rng.integers(0, 256, (2, 6, 5, 4, 3), dtype=np.uint8)
    shares = [[[np.bincount(f[..., c].ravel(), minlength=256) / 20 for c in range(3)] for f in clip] for clip in frames]
    steps = [[[jensen_shannon(clip[t][c], clip[t + 3][c]) for t in range(3)] for c in range(3)] for clip in shares]
    entry = an_entry("cdc", {"u_result_rgb": "u", "v_result_rgb": "v"}, ["cdc_t3", "js_v_d3"])
    arrays = {"u": frames[0], "v": frames[1], "out/cdc_t3": np.mean(steps), "out/js_v_d3": np.array(steps[1])}
    return entry, arrays


def of_psnr(rng) -> tuple[dict, dict]:
    grey = np.repeat(rng.integers(0, 256, (6, 6, 1), dtype=np.uint8), 3, axis=2)
    entry = an_entry("psnr", {"gt": "g", "res": "g"}, ["skimage", "vpn_rmse", "psnr_ab_peak100"])
    return entry, {"g": grey, "out/skimage": np.inf, "out/vpn_rmse": 1e-27, "out/psnr_ab_peak100": 100.0}


def of_fid_from_moments(rng) -> tuple[dict, dict]:
    mean = rng.normal(size=3)
    moments = {"mu1": mean, "sigma1": np.diag([4.0, 9, 1]), "mu2": mean + 2, "sigma2": np.diag([1.0, 0, 1])}
    entry = an_entry("fid", {name: name for name in moments}, ["value", "same"])
    return entry, moments | {"out/value": 3 * 4 + 1 + 9 + 0.0, "out/same": 0.0}


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    covariances = [np.cov(part, rowvar=False) for part in (first, second)]
    root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0)).sum()
    return ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(sum(covariances)) - 2 * root


def of_fid_by_clip(rng) -> tuple[dict, dict]:
    x, y = rng.normal(size=(12, 3)) * 4, rng.normal(size=(11, 3))
    inputs = {"feats1": "x (first 10 rows, np.array_split into 2)", "feats2": "y (np.array_split into 2)"}
    distances = np.array([frechet(x[:5], y[:6]), frechet(x[5:10], y[6:])])
    return an_entry("fid", inputs, ["per_clip"]), {"x": x, "y": y, "out/per_clip": distances}


def squared_mmd(first: np.ndarray, second: np.ndarray) -> float:
    k = [(a @ b.T / 3 + 1) ** 3 for a, b in ((first, first), (second, second), (first, second))]
    own = [(one.sum() - np.trace(one)) / (len(one) * (len(one) - 1)) for one in k[:2]]
    return sum(own) - 2 * k[2].mean()


def of_kid(rng) -> tuple[dict, dict]:
    x, y = rng.normal(size=(12, 3)) * 4, rng.normal(size=(11, 3))
    random = np.random.RandomState(7)
    picks = [(random.choice(12, 3, replace=False), random.choice(11, 3, replace=False)) for _ in range(5)]
    kid = [squared_mmd(x[i], y[j]) for i, j in picks]
    call = "metric(subsets=5, subset_size=n//3, rng_seed=7)"
    entry = an_entry("kid", {"feats1": "x", "feats2": "y"}, ["mean", "std", "subset_size"], call=call)
    return entry, {"x": x, "y": y, "out/mean": np.mean(kid), "out/std": np.std(kid), "out/subset_size": 3}


def of_occlusion(rng) -> tuple[dict, dict]:
    flows = {"flow_fw": "f", "flow_bw": "f"}
    entry = an_entry("occlusion", flows, ["occluded", "mask_ge_200", "ruder_without_smoothing"])
    # The last row and column are unreliable; what is next to them is smoothed.
    reliable, smoothed = np.pad(np.ones((2, 3), int), ((0, 2), (0, 2))), np.pad(np.full((3, 4), 255), ((0, 1), (0, 1)))
    size = (3, 4, 5)
    return entry, {
        "f": np.zeros((*size, 2), np.float32),
        "out/occluded": np.zeros(size, bool),
        "out/mask_ge_200": np.broadcast_to(reliable, size),
        "out/ruder_without_smoothing": np.broadcast_to(smoothed, size),
    }


def of_warp_error(rng) -> tuple[dict, dict]:
    frames = rng.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    inputs = {"result_rgb": "u (first 2 frames)", "flow_fw": "f", "occluded": "all zeros"}
    error = np.mean(((frames[1] - frames[0].astype(float)) / 255) ** 2)
    still = np.zeros((1, 5, 4, 2), np.float32)
    return an_entry("warp_error", inputs, ["value"]), {"u": frames, "f": still, "out/value": error}


def of_user_study(rng) -> tuple[dict, dict]:
    strengths = np.array([1, -1]) * np.log(4) / 2
    entry = an_entry("user_study", {"wins": "w[i,j] = i over j"}, ["bradley_terry_opt_alpha1e_9"], rtol=1e-4)
    return entry, {"w": np.array([[0, 8.0], [2, 0]]), "out/bradley_terry_opt_alpha1e_9": strengths}


OTHERS = (
    of_bootstrap, of_accuracy, of_cdc, of_psnr, of_fid_from_moments, of_fid_by_clip, of_kid, of_occlusion,
    of_warp_error, of_user_study,
)  # fmt: skip


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.__name__)
def test_other_sizes_names_and_settings_work(case, verdict):
    entry, given = case(np.random.default_rng(5))
    code, printed = verdict(given, entry)
    assert code == 0, printed


@pytest.mark.parametrize(
    "found, expected, passes",
    [
        (np.nan, np.nan, True),
        (np.nan, 1.0, False),
        (1.0, np.nan, False),
        (np.inf, np.inf, True),
        (-np.inf, np.inf, False),
        (1e300, np.inf, False),
        (np.float64(1.1), 1.0, True),
        (np.float64(1.3), 1.0, False),
        (np.uint8(1), np.uint8(2), False),
        (np.zeros(1), 0.0, False),
        (np.array("a"), np.array("a"), False),
    ],
)
def test_what_is_within_tolerance(found, expected, passes):
    assert relative(np.asarray(found), np.asarray(expected), rtol=0.1, atol=0.1)[0] == passes


def test_the_worst_element_is_shown():
    says = relative(np.array([[0, 5.0], [1, 3]]), np.array([[0, 0.0], [1, 0]]), rtol=0, atol=1)[1]
    assert "got 5 expected 0 difference 5 tolerance 1 + 0 relative at [0, 1] of (2, 2)" in says


def test_files_of_something_else_are_refused(tmp_path):
    (tmp_path / "a.npz").write_text("text")
    for path, says in ((tmp_path / "a.npz", "not an .npz file"), (tmp_path / "none.npz", "no such file")):
        with pytest.raises(SystemExit, match=says):
            main(path, MANIFEST)
    for text in ("[]", '{"entries": {}}'):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ValueError, match="a list `entries`"):
            list(read_entries(tmp_path / "a.json"))
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(SystemExit, match="error: "):
        main(VECTORS, tmp_path / "a.json")
