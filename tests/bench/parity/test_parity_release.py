"""Parity with the published program: its vectors pass, and nothing that is wrong, unknown or missing does."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.__main__ import main as command
from bench.parity.release.groups import compute, group_of, near
from bench.parity.tolerances import SHIPPED, default_tolerances
from bench.parity.vectors import main

VECTORS = Path(__file__).with_name("devc.npz")


@pytest.fixture(scope="module")
def published():
    with np.load(VECTORS) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture
def few(published):
    """The quick groups of the vectors, with lists that name only them."""
    kept = {key: value for key, value in published.items() if key.split("/")[0] in ("ctx", "gan", "wls")}
    for kind in ("inputs", "outputs"):
        names = [key for key in published[f"meta/{kind}"].tolist() if key in kept]
        kept[f"meta/{kind}"] = np.array(names)
    return kept


@pytest.fixture
def verdict(tmp_path, capsys):
    """Runs the command on arrays: exit code, and what it printed."""

    def run(vectors, tolerances=None):
        np.savez(tmp_path / "some.npz", **vectors)
        if tolerances:
            (tmp_path / "some_tolerances.json").write_text(json.dumps(tolerances))
        try:
            main(tmp_path / "some.npz")
        except SystemExit as end:
            return end.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def test_the_published_vectors_pass(capsys):
    main(VECTORS)
    printed = capsys.readouterr().out
    assert "95 of 95 outputs within tolerance" in printed and "MISS" not in printed


def test_a_selection_passes_and_says_what_is_absent(few, published, verdict):
    assert verdict(few)[0] == 0
    code, printed = verdict(few | {"meta/outputs": published["meta/outputs"]})
    assert code == 0 and "not in this file: attn, aug, color40" in printed


def test_a_perturbed_output_misses(few, verdict):
    few["ctx/backward"] = few["ctx/backward"] + np.float32([0, 1e-5])
    code, printed = verdict(few)
    assert code == 1 and "MISS  ctx/backward" in printed and "1 missed" in printed


def test_not_a_number_misses(few, verdict):
    few["gan/loss_D"] = np.float32(np.nan)
    assert verdict(few)[0] == 1


def test_a_perturbed_input_misses(few, verdict):
    few["wls/guide_u8"] = few["wls/guide_u8"].T.reshape(few["wls/guide_u8"].shape)
    assert verdict(few)[0] == 1


@pytest.mark.parametrize(
    "key, says",
    [
        ("ctx/sideways", "no rule here for this output of group ctx"),
        ("smell/out", "no rule here for group smell"),
    ],
)
def test_an_output_without_a_rule_misses(few, verdict, key, says):
    few |= {key: np.zeros(3, np.float32), "meta/outputs": np.array([*few["meta/outputs"].tolist(), key])}
    code, printed = verdict(few)
    assert code == 1 and says in printed


def test_an_output_that_is_not_there_misses(few, verdict):
    del few["ctx/forward"]
    code, printed = verdict(few)
    assert code == 1 and "listed in meta/outputs, but not in the file" in printed


def test_an_array_of_no_use_misses(few, verdict):
    code, printed = verdict(few | {"ctx/more": np.zeros(1)})
    assert code == 1 and "neither in meta/inputs nor in meta/outputs" in printed


def test_an_output_without_a_tolerance_misses(few, verdict):
    known = json.loads(VECTORS.with_name("devc_tolerances.json").read_text())
    del known["wls/out"]
    code, printed = verdict(few, known)
    assert code == 1 and "the file of tolerances does not have it" in printed


def test_another_shape_and_a_missing_input_are_reasons(few, verdict):
    few["gan/loss_D"] = np.zeros((1, 1), np.float32)
    del few["wls/src"]
    code, printed = verdict(few)
    assert code == 1
    assert "got shape (), expected (1, 1)" in printed
    assert "group wls failed with KeyError" in printed and "no input src" in printed


@pytest.mark.parametrize("touched, passes", [([(0, 5, 6)], True), ([(0, 5, 6), (0, 9, 6)], False)])
def test_an_argmax_may_fall_the_other_way_in_one_cell(touched, passes):
    wanted, found = np.zeros((2, 3, 16, 16)), np.zeros((2, 3, 16, 16))
    for b, y, x in touched:
        found[b, :, y // 4 * 4 : y // 4 * 4 + 4, x // 4 * 4 : x // 4 * 4 + 4] = 9
    tolerance = {"suggested_atol": 1e-4}
    assert near("warp64/warped_lab_T1e-10", found, wanted, tolerance)[0] == passes
    assert not near("warp64/warped_lab_T1e-2", found, wanted, tolerance)[0]


def test_frames_may_be_two_levels_off_but_not_on_average():
    wanted = np.full((1, 10, 10, 3), 100, np.uint8)
    once, everywhere = wanted.copy(), wanted + np.uint8(1)
    once[0, 0, 0] = 102
    tolerance = {"suggested_atol": 2}
    assert near("pipe/out_u8", once, wanted, tolerance)[0]
    assert not near("pipe/out_u8", everywhere, wanted, tolerance)[0]


def test_the_nearest_tolerances_are_taken(tmp_path):
    shipped = "devc_tolerances.json"
    assert default_tolerances(tmp_path / "a.npz", shipped) == SHIPPED / shipped
    for name in (shipped, "a_tolerances.json"):
        (tmp_path / name).touch()
        assert default_tolerances(tmp_path / "a.npz", shipped) == tmp_path / name


@pytest.mark.parametrize(
    "content, says",
    [
        (None, "no such file"),
        (b"text", "not an .npz file"),
        ({"meta/outputs": np.array(["a/b"])}, "no array meta/inputs"),
        ({"a": np.ones(1)}, "need their manifest as the second file"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, says):
    path = tmp_path / "a.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        np.savez(path, **content)
    with pytest.raises(SystemExit, match=says):
        main(path)


def other_sizes(rng) -> tuple[dict, dict]:
    """Inputs of other sizes, batches and group numbers, and the shapes of what is asked for."""

    def normal(*shape):
        return rng.normal(size=shape).astype(np.float32)

    def lab(count, height, width):
        return np.clip(15 * normal(count, 3, height, width), -45, 45)

    def image(height, width):
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

    sides = zip((128, 256, 512, 512), ((20, 16), (10, 8), (5, 4), (2, 2)), ("r22", "r32", "r42", "r52"), strict=True)
    levels = {f"{side}_{level}": normal(3, c, *size) for c, size, level in sides for side in "AB"}
    inputs = {
        **{f"warp56/{name}": value for name, value in levels.items()},
        "warp56/B_lab": lab(3, 40, 32),
        "color32/input": normal(3, 7, 32, 40),
        "vgg/image": np.abs(normal(2, 3, 48, 32)).clip(0, 1),
        "e2e/frames_lab": lab(4, 32, 48),
        "e2e/ref_lab": lab(1, 32, 48),
        "ctx2/X": normal(3, 16, 5, 4),
        "ctx2/Y": normal(3, 16, 5, 4),
        "resize/odd_u8": image(77, 51),
        "pipe/frames_u8": np.stack([image(70, 120) for _ in range(3)]),
        "pipe/ref_u8": image(90, 80),
    }
    outputs = {
        "warp56/warped_lab_T1e-10": (3, 3, 40, 32),
        "warp56/warped_lab_T2e-2": (3, 3, 40, 32),
        "warp56/A_r42_normalized": (3, 512, 5, 4),
        "color32/ab": (3, 2, 32, 40),
        "vgg/r42": (2, 256, 6, 4),
        "vgg_he/r52_stats": (3,),
        "e2e/ab_t3": (1, 2, 32, 48),
        "e2e/frame2_ab_T3e-2": (1, 2, 32, 48),
        "ctx2/forward_h0.3": (3,),
        "resize/odd_CenterPad_40x60": (40, 60, 3),
        "resize/odd_CenterPad_threshold_30x56": (30, 56, 3),
        "pipe/out_u8": (3, 64, 96, 3),
        "pipe/ab_half": (3, 2, 32, 48),
    }
    return inputs, outputs


def test_other_sizes_batches_and_names_work(verdict):
    inputs, shapes = other_sizes(np.random.default_rng(0))
    lists = {"meta/inputs": np.array(list(inputs)), "meta/outputs": np.array(list(shapes))}
    vectors = (
        inputs
        | lists
        | {key: np.zeros(shape, np.uint8 if "u8" in key else np.float32) for key, shape in shapes.items()}
    )
    for name in dict.fromkeys(map(group_of, shapes)):
        keys = [key for key in shapes if group_of(key) == name]
        computed, failure = compute(name, vectors, keys)
        assert not failure
        vectors |= {key: computed[key] for key in keys}
    code, printed = verdict(vectors, {key: {"suggested_atol": 1e-4} for key in shapes})
    assert code == 0 and f"{len(shapes)} of {len(shapes)}" in printed
    assert {key: vectors[key].shape for key in shapes} == shapes


def test_the_command_takes_the_file_and_the_tolerances(few, tmp_path, capsys):
    np.savez(tmp_path / "some.npz", **few)
    (tmp_path / "none.json").write_text("{}")
    command(["parity", str(tmp_path / "some.npz")])
    assert "0 missed" in capsys.readouterr().out
    with pytest.raises(SystemExit) as end:
        command(["parity", str(tmp_path / "some.npz"), "--tolerances", str(tmp_path / "none.json")])
    assert end.value.code == 1 and "none.json" in capsys.readouterr().out
