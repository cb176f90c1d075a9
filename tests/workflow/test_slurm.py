"""The tiny world on a real SLURM of two nodes: the same bytes as here, whatever is cancelled or killed on the way."""

import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from loopback_slurm import Slurm, unusable
from safetensors.numpy import load_file
from tiny_world import ROOT, snakemake

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(unusable()), reason=unusable())]

TARGET = "results/score/ours.parquet"
STEPS = 30


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with ExitStack() as open_things:
        try:
            slurm = open_things.enter_context(Slurm(tmp_path_factory.mktemp("slurm")))
        except (TimeoutError, OSError) as error:  # of this host, not of what is tested
            pytest.skip(f"SLURM's daemons do not start here: {error}")
        yield slurm


@pytest.fixture(scope="module")
def slow_world(world, tmp_path_factory):
    """The tiny world with less to prepare and a training long enough to be cancelled, on a GPU where there is one."""
    config = yaml.safe_load(world.read_text())
    config["training"]["ours"] |= {"steps": STEPS}
    config["references"] = {"gallery": {"test": "gallery", "train": "gallery"}}
    del config["clips"]["sets"]["validation"]
    path = tmp_path_factory.mktemp("slow") / "slow.yaml"
    path.write_text(yaml.safe_dump(config | {"device": "auto"}))
    return path


@pytest.fixture(scope="module")
def local(slow_world, tmp_path_factory):
    """The target, made here."""
    folder = tmp_path_factory.mktemp("local")
    done = snakemake("--quiet", "rules", "--", TARGET, directory=folder, config=slow_world)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def remote(slurm, slow_world, tmp_path_factory):
    """The target, made on SLURM: its training is cancelled once, and its score asks for too little memory at first.

    Returns the folder and what Snakemake said.
    """
    folder = tmp_path_factory.mktemp("remote")
    said = folder / "said.txt"
    command = [
        "snakemake", "--profile", "profiles/slurm", "--slurm-partition-config", ROOT / "profiles/slurm/partitions.yaml",
        "--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "3",
        "--configfile", slow_world, "--directory", folder, "--set-resources", "score:mem_mb=attempt*800",
        "--", TARGET,
    ]  # fmt: skip
    with said.open("w") as output:
        running = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        try:
            cancel_training(slurm, folder, running)
            assert running.wait(timeout=1800) == 0, said.read_text()
        finally:
            running.kill()
    return folder, said.read_text()


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "passive"}


def cancel_training(slurm: Slurm, folder: Path, running: subprocess.Popen) -> None:
    """Cancel the training when it has saved its state for the first time."""
    while not (folder / "results/train/ours/state.pt").exists():
        assert running.poll() is None, (folder / "said.txt").read_text()
        time.sleep(0.2)
    jobs = [line.split() for line in slurm.ask("squeue", "-h", "-t", "running", "-o", "%i %k").splitlines()]
    (job,) = [job for job, comment in jobs if comment.startswith("rule_train")]
    slurm.ask("scancel", job)


def submissions(said: str, rule: str) -> list[tuple[int, int, str]]:
    """Of each submission of a rule's jobs the memory and the GPUs that it asked for, and its partition."""
    pattern = rf"^rule {rule}:$(?:\n    .*)+?\n    resources: (.*)\nAuto-selected partition '(\w+)'"
    asked = re.findall(pattern, said, flags=re.MULTILINE)
    number = {name: re.compile(rf"\b{name}=(\d+)") for name in ("mem_mb", "gpu")}
    return [(*(int(one.search(text).group(1)) for one in number.values()), partition) for text, partition in asked]


def test_the_results_are_those_of_a_run_here(local, remote):
    folder, _ = remote
    files = sorted(path.relative_to(local) for path in (local / "results").rglob("*.png"))
    assert len(files) > 40
    for path in [*files, Path(TARGET)]:
        assert (folder / path).read_bytes() == (local / path).read_bytes(), path


def test_a_cancelled_training_goes_on_where_it_was(local, remote):
    folder, _ = remote
    first, second = (load_file(run / "results/train/ours/model.safetensors") for run in (folder, local))
    assert first.keys() == second.keys() and all((first[name] == second[name]).all() for name in first)
    log = (folder / "logs/train/ours.log").read_text()  # of the second attempt
    assert 0 < int(re.search(rf"(\d+)/{STEPS}", log).group(1)) < STEPS, log


def test_what_uses_a_gpu_runs_where_there_is_one(remote):
    assert [(gpus, partition) for _, gpus, partition in submissions(remote[1], "train")] == [(1, "gpu")] * 2
    assert {(gpus, partition) for _, gpus, partition in submissions(remote[1], "clips")} == {(0, "cpu")}


def test_a_job_over_its_memory_is_given_more(remote):
    _, said = remote
    assert [megabytes for megabytes, *_ in submissions(said, "score")] == [800, 1600]
    assert "exceeded memory limit" in said  # the log of the failed job


def test_every_job_says_how_long_it_may_take(remote):
    assert "No wall time information given" not in remote[1]
