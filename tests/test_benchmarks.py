"""benchmarks/: both sides of a comparison compute the same, and the commands run."""

import importlib.util
import subprocess
import sys
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from colorize.networks.layers import Enlarge, instance_norm
from media.decoding import decode
from media.tables import CLIPS, FLOW, read_table
from vision.flow_estimators import dis

SCRIPTS = Path(__file__).parents[1] / "benchmarks"
RESULTS = {"clips": CLIPS, "flow/dis": FLOW}  # of prep


@contextmanager
def loaded(script):
    """The script as a module, under a name that no package has."""
    spec = importlib.util.spec_from_file_location(f"benchmarks_{script}", SCRIPTS / f"{script}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def colorize():
    with loaded("colorize") as module:
        yield module


@pytest.fixture(scope="module")
def prep():
    with loaded("prep") as module:
        yield module


@pytest.fixture(scope="module")
def footage(prep):
    return prep.Footage(120, 200, 12, (108, 192), 10)


@pytest.fixture(scope="module")
def films(prep, footage, tmp_path_factory):
    return prep.generate(tmp_path_factory.mktemp("films"), 6, footage)


def run(script, *options):
    command = [sys.executable, SCRIPTS / f"{script}.py", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("temperature", [1e-10, 0.01])
@pytest.mark.parametrize("size", [(64, 96), (72, 64)])
def test_plain_and_this_code_are_equal(colorize, size, temperature):
    assert "differ by W / 100" in colorize.difference_in_words(size, temperature)


def test_another_network_is_not_equal(colorize, monkeypatch):
    monkeypatch.setitem(sys.modules["benchmarks.plain_networks"].BOTTLENECK, 5, 1)
    with pytest.raises(AssertionError, match="ab / 128"):
        colorize.difference_in_words((64, 96), 0.01)


def test_a_frame_is_counted_without_its_reference(colorize):
    given = colorize.scene((32, 48))
    model = colorize.release_model()
    (_, plain), (_, ours) = (colorize.started(make(model), given) for make in colorize.COLORINGS.values())
    assert 1.2 < plain / ours < 1.3


def test_the_benchmark_runs():
    printed = run("colorize", "--sizes", "32x48", "--repetitions", "1")
    assert all(word in printed for word in ("32x48", "plain", "this code", "ratio", "T 1e-10", "T 0.01"))


def test_help_names_the_options():
    printed = run("colorize", "--help")
    assert all(f"--{option}" in printed for option in ("sizes", "repetitions", "threads", "faster", "large"))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_enlarge_is_its_two_parts(layout):
    torch.manual_seed(0)
    block = Enlarge(8, 16).to(memory_format=layout)
    x = torch.randn(2, 8, 5, 7).to(memory_format=layout)
    assert list(block.state_dict()) == ["1.weight", "1.bias"]
    torch.testing.assert_close(block(x), nn.Sequential(*block)(x))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_instance_norm_is_torch_s(layout):
    torch.manual_seed(0)
    x = (3 * torch.randn(2, 8, 40, 60) + 5).to(memory_format=layout)
    found = instance_norm(x)
    torch.testing.assert_close(found, F.instance_norm(x))
    assert found.is_contiguous(memory_format=layout)


def test_footage_is_the_same_every_time_and_moves(prep, footage, films, tmp_path):
    again = prep.generate(tmp_path, 2, footage)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in films[:2]]
    assert films[0].read_bytes() != films[1].read_bytes()
    assert films[0].read_bytes() == films[prep.DISTINCT].read_bytes()
    frames = np.float32(list(decode(films[0])))
    assert frames.shape == (12, 120, 200, 3)
    assert min(abs(later - earlier).mean() for earlier, later in pairwise(frames)) > 2


def test_plain_and_this_code_decode_the_same_frames(prep, films):
    np.testing.assert_array_equal(list(prep.plain_frames(films[0])), list(decode(films[0])))


def test_plain_and_this_code_estimate_the_same_flow(prep, footage, films):
    greys = prep.material(films[0], footage).greys
    assert len(greys) == footage.length
    for (first, second), (forward, backward) in zip(pairwise(greys), prep.plain_flows(greys), strict=True):
        np.testing.assert_array_equal(forward, dis(first, second))
        np.testing.assert_array_equal(backward, dis(second, first))


def test_the_whole_of_prep_keeps_every_clip_in_any_number_of_shards(prep, footage, films, tmp_path):
    tables = []
    for shards in (1, 4):
        work = tmp_path / str(shards)
        work.mkdir()
        prep.call(prep.steps(films[0].parent, work, footage, shards, workers=2))
        tables.append([read_table(work / f"{name}/test.parquet", kind) for name, kind in RESULTS.items()])
    for one, four in zip(*tables, strict=True):
        assert one.equals(four) and len(one) == len(films)
    assert list(tables[0][1]["n_pairs"]) == [footage.length - 1] * len(films)


def test_the_parts_of_a_clip_are_all_of_it(prep, footage, films, tmp_path):
    parts = prep.breakdown(films[0], tmp_path, footage)
    assert set(prep.PARTS) < set(parts)
    assert min(parts.values()) >= 0
    assert parts["DIS"] > parts["hash of the file"]


def test_the_benchmark_of_prep_runs():
    printed = run("prep", *"--clips 2 --size 160x96 --frames 26 --repetitions 1 --workers 1 --scaling 2".split())
    lines = [line.split("|")[0].split() for line in printed.splitlines()]
    assert all(word in printed for word in ("plain PyAV", "plain OpenCV", "five commands", "KITTI PNG", "MiB"))
    assert ["2", "1"] in [line[:2] for line in lines]


def test_the_benchmark_of_loading_runs():
    printed = run("loading", "--size", "32", "48", "--items", "2", "--batch", "1", "--batches", "1", "--workers", "0")
    assert all(word in printed for word in ("photographs, 0 workers:", "clips, 0 workers:", "mixture", "CPU s each"))
