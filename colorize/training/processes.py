"""A training of several processes: torchrun starts and ends them, and one sentence says what ended them.

The command stays that of one process. `processes` and `nodes` of its settings say how many there are; where torchrun
has started them already, by hand or from here, the stage runs. docs/training.md has what several nodes need.
"""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import NoReturn

from colorize.settings import TrainSettings
from media.faults import MachineFault, ending_plainly
from media.stopping import SIGNALS

# Seconds in which processes that were asked to stop finish their batch and save the state; then torchrun kills them.
PATIENCE = 300
# A variable that torchrun gives its processes; others than it set WORLD_SIZE, too.
OF_TORCHRUN = "TORCHELASTIC_RUN_ID"
# A variable with the process that is torchrun here.
TORCHRUN = "HUEBENCH_TORCHRUN"


def in_processes(main: Callable[..., None], module: str) -> Callable[..., None]:
    """`main` of a stage with `settings` and `execution`, for `tyro.cli`: started several times where these say so."""

    @wraps(main)
    def run(*, settings: str, execution: str = "{}", **kwargs) -> None:
        options = json.loads(settings) | json.loads(execution)
        processes, nodes = shared_among(options)
        if processes * nodes == 1 or OF_TORCHRUN in os.environ:
            if torchrun := os.environ.get(TORCHRUN):
                threading.Thread(target=end_with, args=[int(torchrun)], daemon=True).start()
            main(settings=settings, execution=execution, **kwargs)
            return
        program = [sys.executable, "-m", module, *sys.argv[1:]]
        with ending_plainly():
            if start := on_each_node(nodes, os.environ):
                os.execvp(start[0], [*start, *program])
            start_all([*meeting(nodes, os.environ), f"--nproc-per-node={processes}", *program[1:]], options)

    return run


def shared_among(options: dict) -> tuple[int, int]:
    """Processes on each node, and nodes. Ends with a sentence where they cannot share a batch equally."""
    batch, processes, nodes = (
        options.get(key, TrainSettings.model_fields[key].default) for key in ("batch", "processes", "nodes")
    )
    if processes < 1 or nodes < 1 or batch % (processes * nodes):
        sys.exit(
            f"error: a batch of {batch} cannot be shared equally among {processes} processes on each of {nodes} nodes; "
            "expected 1 or more of both, and a multiple of their product as `batch`"
        )
    return processes, nodes


def end_with(torchrun: int) -> None:
    """End this process once torchrun is gone, by SIGTERM and then by SIGKILL: it would do the same if it could."""
    while os.getppid() == torchrun:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os.kill(os.getpid(), signal.SIGKILL)


def on_each_node(nodes: int, environment: Mapping[str, str]) -> list[str]:
    """What starts a command on each node of the SLURM job that this is; empty where that is done, or not to be done."""
    if nodes == 1 or "SLURM_JOB_ID" not in environment or environment.get("SLURM_STEP_NUM_TASKS") == str(nodes):
        return []
    cores = environment.get("SLURM_CPUS_PER_TASK")  # which srun does not take over from the job
    cores = [f"--cpus-per-task={cores}"] if cores else []
    # Overlapping: the step from which the command comes may hold all that the job has.
    return ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", *cores, "--overlap"]


def meeting(nodes: int, environment: Mapping[str, str]) -> list[str]:
    """torchrun's arguments about where its processes on all nodes meet. Raises MachineFault if that is not known."""
    if nodes == 1:
        return ["--standalone"]
    job = environment.get("SLURM_JOB_ID", "")
    host = environment.get("MASTER_ADDR") or environment.get("SLURM_LAUNCH_NODE_IPADDR")
    port = environment.get("MASTER_PORT") or (job and str(20_000 + int(job) % 10_000))
    if not host or not port:
        raise MachineFault(
            f"a training on {nodes} nodes outside SLURM: start this same command on each node, with MASTER_ADDR and "
            "MASTER_PORT set to the address of one of them and a free port there"
        )
    return [f"--nnodes={nodes}", "--rdzv-backend=c10d", f"--rdzv-endpoint={host}:{port}", f"--rdzv-id={job or port}"]


def start_all(arguments: list[str], options: dict) -> None:
    """Be torchrun. Ends it with a sentence where one of its processes did not end well."""
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    os.environ[TORCHRUN] = str(os.getpid())
    os.environ.setdefault("OMP_NUM_THREADS", str(options.get("threads", 2)))
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(PATIENCE))
    logging.disable(logging.ERROR)  # of torchrun: it is said below
    try:
        run.main(arguments)
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    except ChildFailedError as error:
        end_as({rank: failure.exitcode for rank, failure in error.failures.items()})


def end_as(failed: dict[int, int]) -> NoReturn:
    """End as processes have ended, by rank: their exit status, or minus the signal that killed each."""
    asked = {status for number in SIGNALS for status in (-number, 128 + number)}
    others = {rank: status for rank, status in failed.items() if status not in asked}
    if not others:  # stopped together; the first has said so
        status = next(iter(failed.values()))
        sys.exit(128 - status if status < 0 else status)
    rank, status = min(others.items(), key=lambda item: item[1])  # one that was killed before those that missed it
    if status > 0:
        sys.exit(f"error: process {rank} of this training ended with status {status}; it is said above why")
    raise MachineFault(
        f"process {rank} of this training was killed by {signal.Signals(-status).name}, as happens where memory is "
        "used up; the others were ended, and the same command goes on from the last saved state"
    )
