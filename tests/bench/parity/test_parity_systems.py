"""`python -m bench parity` without a manifest: the compared systems give others' numbers, and mistakes are noticed."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bench.methods.networks.zhang2016_network import AB_UNIT, Zhang2016Network, bins
from bench.methods.networks.zhang2017_network import Zhang2017Network
from bench.parity.recipe import filled, weight
from bench.parity.systems import systems
from bench.parity.systems.named import keys_checked
from bench.parity.tolerances import Tolerance, bounded, default_tolerances, read_tolerances, tolerance_of
from bench.parity.vectors import main

ROOT = Path(__file__).parents[3]
VECTORS = Path(__file__).with_name("baselines.npz")
TOLERANCES = read_tolerances(default_tolerances(VECTORS, "baselines_tolerances.json"))


@pytest.fixture(scope="module")
def arrays():
    with np.load(VECTORS) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture
def verdict(tmp_path, capsys):
    """Runs the command on arrays and rules: exit code, and what it printed."""

    def run(arrays, rules=None):
        np.savez(tmp_path / "some.npz", **arrays)
        tolerances = tmp_path / "some_tolerances.json"
        tolerances.unlink(missing_ok=True)
        if rules is not None:
            tolerances.write_text(json.dumps({"rules": rules}))
        try:
            main(tmp_path / "some.npz")
        except SystemExit as end:
            return end.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def of(arrays, *beginnings):
    return {key: array for key, array in arrays.items() if key.startswith(beginnings)}


@pytest.fixture(scope="module")
def checked(arrays):
    """The verdicts on the given vectors whose names begin so: computed once, however many tests look at them."""
    return cache(lambda beginning: list(keys_checked(of(arrays, beginning), TOLERANCES)))


def judged(arrays):
    lines = [line for line in keys_checked(arrays, TOLERANCES) if line.judged]
    return {line.key: line.passed for line in lines}


@pytest.mark.parametrize(
    "beginning, outputs",
    [
        ("eccv16.gain1.5", 1),
        ("siggraph17.gain1.5", 2),
        ("lai_transformnet.gain1.5", 5),
        ("he2018_examplecolornet.gain1.5", 1),
        ("ruder2016", 2),
        ("larsson2016", 4),
        ("zhang2016", 7),
        ("vpn2017", 5),
        ("levin2004", 1),
        ("bonneel2015", 2),
    ],
)
def test_the_given_vectors_pass(beginning, outputs, arrays, checked):
    lines = checked(beginning)
    assert {line.key for line in lines} == set(of(arrays, beginning))
    assert sum(line.judged for line in lines) == outputs
    assert all(line.passed for line in lines), [str(line) for line in lines if not line.passed]


@pytest.mark.slow
def test_the_whole_file_passes_by_command():
    """With FlowNet2, whose 162 million weights are drawn twice."""
    command = [sys.executable, "-m", "bench", "parity", VECTORS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "31 of 31 outputs within tolerance" in done.stdout and "MISS" not in done.stdout
    printed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith(("ok ", "ref ", "in "))}
    assert printed == set(np.load(VECTORS).files)


def test_the_statistics_of_blocks_are_those_of_the_published_networks(checked):
    statistics = [line for line in checked("eccv16.gain1.5") if ".stat." in line.key]
    assert len(statistics) == 9 and not any(line.judged for line in statistics)
    assert all(float(line.says.split()[3]) < 1e-5 for line in statistics), [str(line) for line in statistics]


class BatchNormBeforeReLU(Zhang2016Network):
    def __init__(self):
        super().__init__()
        first, relu, second, _, norm = self.model1
        self.model1.forward = lambda x: relu(norm(second(relu(first(x)))))


class NoDilation(Zhang2016Network):
    def __init__(self):
        super().__init__()
        for layer in self.model5:
            if isinstance(layer, nn.Conv2d):
                layer.dilation = layer.padding = (1, 1)


class AlignedCorners(Zhang2016Network):
    def forward(self, lightness):
        quarter = self.model_out(F.softmax(self.logits(lightness), dim=1))
        return AB_UNIT * F.interpolate(quarter, scale_factor=4, mode="bilinear", align_corners=True)


@pytest.mark.parametrize("mistaken", [BatchNormBeforeReLU, NoDilation, AlignedCorners])
def test_a_mistake_in_eccv16_misses(mistaken, arrays, monkeypatch):
    monkeypatch.setattr(systems, "Zhang2016Network", mistaken)
    assert judged(of(arrays, "eccv16.gain1.5")) == {"eccv16.gain1.5.case0.out_ab": False}


def test_another_batch_norm_in_siggraph17_misses(arrays, monkeypatch):
    class Mistaken(Zhang2017Network):
        def __init__(self):
            super().__init__()
            first, relu, second, _, norm = self.model1
            self.model1.forward = lambda x: relu(norm(second(relu(first(x)))))

    monkeypatch.setattr(systems, "Zhang2017Network", Mistaken)
    assert not any(judged(of(arrays, "siggraph17.gain1.5")).values())


def test_a_hint_in_another_unit_misses_and_the_automatic_output_does_not(arrays, monkeypatch):
    class Mistaken(Zhang2017Network):
        def with_classes(self, lightness, hint=None, mask=None):
            return super().with_classes(lightness, 1.1 * hint, mask)

    monkeypatch.setattr(systems, "Zhang2017Network", Mistaken)
    key = "siggraph17.gain1.5.case0."
    assert judged(of(arrays, "siggraph17.gain1.5")) == {f"{key}out_ab": False, f"{key}out_ab_nohint": True}


@pytest.mark.parametrize("beginning", ["larsson2016", "zhang2016", "ruder2016", "levin2004"])
def test_every_changed_output_misses(beginning, arrays):
    for key, array in of(arrays, beginning).items():
        rule = tolerance_of(key, TOLERANCES)
        if rule.kind != "input":
            changed = np.array(array, np.float64)
            changed.flat[-1] += 3 + 3 * (rule.bound or 0)
            assert not judged(of(arrays, beginning) | {key: changed})[key]


@pytest.mark.parametrize(
    "key, value, rules, says",
    [
        ("eccv16.gain1.5.case0.out_hue", 1.0, None, "no function here computes out_hue; there are "),
        ("zhang2016.bins.soft_everything", 1.0, None, "no rule here for this output of zhang2016.bins"),
        ("welsh2002.ab", 1.0, None, "no function here for this key; there are <system>.<...> of eccv16, "),
        ("eccv16.case0.out_ab", 1.0, None, "the key has no `.gain<g>`"),
        ("zhang2016.bins.pts313", np.zeros((9, 2)), None, "got shape (313, 2), expected (9, 2)"),
        ("zhang2016.bins.mode", 1.0, None, "failed with KeyError: 'the group has no input logits"),
        ("zhang2016.bins.pts313", 1.0, [["a*", "exact", None]], "no rule of the tolerances matches this key"),
    ],
)
def test_what_cannot_be_compared_misses_and_says_why(key, value, rules, says, arrays, verdict):
    given = {"eccv16.gain1.5.case0.in_L": np.zeros((1, 1, 8, 8), np.float32)}
    given = given if key.startswith(("eccv16.gain", "welsh")) else {}
    code, printed = verdict({key: np.asarray(value)} | given, rules)
    assert code == 1 and f"MISS  {key}" in printed and says in printed


def test_a_report_is_printed_whatever_it_says_and_a_file_without_outputs_fails(arrays, verdict):
    bins = of(arrays, "zhang2016.bins.pts313")
    reported = bins | {"zhang2016.bins.stat.none": np.ones(4)}
    code, printed = verdict(reported)
    assert code == 0 and "ref   zhang2016.bins.stat.none" in printed and "1 of 1 outputs" in printed
    assert verdict(of(arrays, "levin2004.Y", "levin2004.mask"))[0] == 1


def other_cases() -> tuple[dict, list]:
    """Other gains, names of cases, sizes and settings than the given ones, and rules for them; from plain formulas."""
    rng = np.random.default_rng(3)
    logits, ab, flow = 4 * rng.normal(size=(2, 313)), np.array([[-90.0, 50.0]]), np.zeros((5, 6, 2), np.float32)
    centers = bins().numpy().astype(np.float64)
    nearest = np.zeros((1, 313))
    nearest[0, 0] = 1
    hue, chroma = np.zeros((2, 3, 32)), np.zeros((2, 3, 32))
    hue[..., 4], chroma[..., 8] = 1, 1  # chroma 1/4 from the mode, in a red-yellow hue
    lightness = rng.uniform(0, 100, (2, 1, 16, 24)).astype(np.float32)
    network = filled(Zhang2016Network(), 1.25)
    angle = 6 * 4.5 / 32
    pixel = np.array([0.625, 0.375 + 0.25 * angle, 0.375])
    arrays = {
        "zhang2016.bins.logits": logits,
        "zhang2016.bins.ab": ab,
        "zhang2016.bins.annealed_T0.7": shares(logits / 0.7) @ centers,
        "zhang2016.bins.scaled_logits_2": shares(2 * logits) @ centers,
        "zhang2016.bins.soft_nn1_sigma2.5": nearest,
        "ruder2016.case7.flow_fw": flow,
        "ruder2016.case7.flow_bw": flow,
        "ruder2016.case7.presmooth": np.pad(np.full((4, 5), 255), ((0, 1), (0, 1))),
        "larsson2016.decode.hist_hue": hue,
        "larsson2016.decode.hist_chroma": chroma,
        "larsson2016.decode.grey": np.full((2, 3), 0.5),
        "larsson2016.decode.rgb_expectation_mode": np.broadcast_to(pixel, (2, 3, 3)),
        "larsson2016.decode.rgb_mode_mode_lightness_matched": np.broadcast_to(pixel + 0.5 - pixel.mean(), (2, 3, 3)),
        "eccv16.gain1.25.case3.in_L": lightness,
        "eccv16.gain1.25.case3.out_ab": network(torch.from_numpy(lightness)).numpy(),
    }
    rules = json.loads(default_tolerances(VECTORS, "baselines_tolerances.json").read_text())["rules"]
    return arrays, [["*.gain1.25.*.out*", "abs", 1e-3], *rules]


def shares(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_other_gains_cases_sizes_and_settings_work(verdict):
    code, printed = verdict(*other_cases())
    assert code == 0, printed
    assert "7 of 7 outputs within tolerance" in printed


def test_the_recipe_depends_on_the_name_and_the_shape():
    drawn = np.random.Generator(np.random.PCG64(0xF69DF591)).standard_normal((2, 3, 3))  # crc32 of the name
    np.testing.assert_allclose(weight("model1.0.weight", (2, 3, 3), 1.5), 1.5 * drawn / 3, rtol=1e-6)
    assert weight("a.num_batches_tracked", (), 1.5) == 0
    assert (weight("a.running_var", (9,), 1.5) >= 1).all() and abs(weight("a.running_mean", (9,), 1.5)).max() < 0.3
    assert abs(weight("a.bias", (9,), 1.5)).max() < 0.3 and abs(weight("a.weight", (9,), 1.5) - 1).max() < 0.3


@pytest.mark.parametrize(
    "kind, bound, found, expected, passes",
    [
        ("exact", None, [1, 2], [1, 2], True),
        ("exact", None, [1, 2], [1, 3], False),
        ("exact", None, [np.nan], [np.nan], True),
        ("abs", 0.5, [1.0, 2.4], [1, 2], True),
        ("abs", 0.5, [1.0, 2.6], [1, 2], False),
        ("abs", 0.5, [np.nan], [1.0], False),
        ("abs", 0.5, [1.0], [np.nan], False),
        ("std", 0.5, [0.0, 2.4], [0, 2], True),
        ("std", 0.5, [0.0, 2.6], [0, 2], False),
        ("std", 0.5, [1.0, 1.1], [1, 1], False),
        ("abs", 0.5, [1.0], 1.0, False),
        ("exact", None, "a", "a", False),
        ("report", None, [1.0], [9.0], True),
    ],
)
def test_what_a_rule_lets_pass(kind, bound, found, expected, passes):
    assert bounded(np.asarray(found), np.asarray(expected), Tolerance("*", kind, bound))[0] == passes


def test_the_first_matching_rule_decides():
    rules = [Tolerance("a.*", "input"), Tolerance("*.b", "exact")]
    assert [tolerance_of(key, rules) for key in ("a.b", "c.b", "c.d")] == [*rules, None]


@pytest.mark.parametrize(
    "text, says",
    [
        ("[]", "a list `rules`"),
        ('{"rules": [["*", "exact"]]}', "a list `rules`"),
        ('{"rules": [[1, "exact", null]]}', "the pattern has to be a text"),
        ('{"rules": [["*", "near", 1]]}', "expected one of input, report"),
        ('{"rules": [["*", "std", null]]}', "std needs a number"),
    ],
)
def test_tolerances_of_another_layout_are_refused(text, says, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SystemExit, match=says):
        main(VECTORS, tolerances=tmp_path / "a.json")


def test_tolerances_do_not_go_with_a_manifest():
    with pytest.raises(SystemExit, match="--tolerances goes with vectors without a manifest"):
        main(VECTORS, VECTORS.with_name("metrics.json"), default_tolerances(VECTORS, "baselines_tolerances.json"))
