"""benchmarks/metrics.py: the packages and the one pass find the same values, and a difference stops the run."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pytorch_fid import fid_score
from pytorch_fid.inception import InceptionV3

from bench.scoring.measure import TRUTH, Networks, measure

SCRIPT = Path(__file__).parents[1] / "benchmarks/metrics.py"


@pytest.fixture(scope="module")
def script():
    """The script as a module, under a name that no package has."""
    spec = importlib.util.spec_from_file_location("benchmarks_metrics", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def folders(script, tmp_path_factory):
    return script.generate(tmp_path_factory.mktemp("folders"), 2, 2, (48, 64))


@pytest.fixture(scope="module")
def networks(script, folders):
    with script.quiet():
        return script.these_networks(folders)


def test_frames_are_the_same_every_time_and_the_methods_differ(script, folders, tmp_path):
    again = script.generate(tmp_path, 2, 2, (48, 64))
    for name in ("truth", *script.RECOLORINGS):
        assert len(folders.frames(name)) == 4 == len(list(folders.flat(name).iterdir()))
        assert [path.read_bytes() for path in folders.frames(name)] == [
            path.read_bytes() for path in again.frames(name)
        ]
    assert len({folders.frames(name)[0].read_bytes() for name in script.RECOLORINGS}) == 4


def test_scikit_image_and_the_pass_find_the_same(script, folders, capsys):
    theirs, ours = script.peers_pixels(folders), script.these_pixels(folders)
    assert set(theirs) == set(ours) and len(theirs) == 2 * 4
    script.assert_equal(theirs, ours)
    script.assert_equal(theirs, script.one_pass(folders, Networks()))
    assert "1e-09 allowed" in capsys.readouterr().out


def test_a_difference_stops_the_run(script):
    values = {("psnr", "half"): 30.0, ("psnr", "warm"): 20.0}
    with pytest.raises(AssertionError, match="psnr: peers and this code are"):
        script.assert_equal(values, values | {("psnr", "warm"): 20.001})


def test_pytorch_fid_and_the_pass_have_the_same_features(script, folders, networks, monkeypatch):
    state = script.torch.load(folders.weights / script.INCEPTION_FID.name)
    monkeypatch.setattr(script.inception, "load_state_dict_from_url", lambda *args, **kwargs: state)
    with script.quiet():
        files = sorted(folders.flat("truth").iterdir())
        theirs = fid_score.get_activations(files, InceptionV3([3]), batch_size=50, num_workers=0)
    moments = list(script.moments(folders))
    ours = [measure("images", "", [moment], script.no_motion, networks).features for moment in moments]
    np.testing.assert_allclose(np.concatenate([of_frame[TRUTH] for of_frame in ours]), theirs, rtol=1e-4, atol=1e-5)
    assert np.concatenate([of_frame["grey"] for of_frame in ours]).std(axis=0).mean() > 1e-3  # no network that is flat


def test_the_network_sees_the_truth_once_for_all_methods(script, folders, networks, monkeypatch):
    seen = []
    monkeypatch.setattr(networks.lpips.net, "forward", counted(seen, "lpips", networks.lpips.net.forward))
    monkeypatch.setattr(networks.features, "pooled", counted(seen, "fid", networks.features.pooled))
    measure("images", "", [next(script.moments(folders))], script.no_motion, networks)
    assert seen.count("lpips") == seen.count("fid") == 1 + len(script.RECOLORINGS)


def counted(seen, name, function):
    def call(*args):
        seen.append(name)
        return function(*args)

    return call


def test_help_names_the_options():
    printed = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True).stdout
    options = ("size", "clips", "frames", "repetitions", "threads", "lengths")
    assert all(f"--{option}" in printed for option in options)


@pytest.mark.slow  # pytorch-fid's four roots of matrices of 2048 x 2048 take a minute and more
def test_the_benchmark_of_metrics_runs():
    words = [sys.executable, SCRIPT, *"--size 64x96 --clips 1 --frames 3 --lengths 1 2".split()]
    printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert all(word in printed for word in ("2 frames:", "PSNR and SSIM", "LPIPS and FID", "whole", "fid:", "lpips:"))
