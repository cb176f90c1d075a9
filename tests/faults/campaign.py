"""What the campaign of faults shares: processes that are killed, and results that are compared."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "OMP_WAIT_POLICY": "passive",
    "OMP_NUM_THREADS": "1",
}


def start(command: list[str], log: Path, directory: Path = ROOT) -> subprocess.Popen:
    """A command in a process group of its own; what it says goes to the end of `log`."""
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def finish(command: list[str], log: Path, directory: Path = ROOT) -> None:
    """Run a command to its end, which has to be a good one."""
    process = start(command, log, directory)
    assert process.wait(timeout=240) == 0, log.read_text()[-3000:]


def kill(process: subprocess.Popen, after: float, alone: bool = False) -> bool:
    """SIGKILL a process, and its group unless `alone`, after so many seconds; whether it was still at work then."""
    try:
        process.wait(timeout=after)
        return False
    except subprocess.TimeoutExpired:
        pass
    (os.kill if alone else os.killpg)(process.pid, signal.SIGKILL)
    process.wait()
    return True


def wait_for_end(word: str, seconds: float = 30) -> None:
    """Wait until no process has `word` in its command line."""
    until = time.monotonic() + seconds
    while said := at_work(word):
        assert time.monotonic() < until, f"still at work: {said}"
        time.sleep(0.1)


def at_work(word: str) -> list[str]:
    """The command lines that have `word` in them, without our own and the dead's."""
    lines = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if word in line:
                lines.append(line[:200])
    return lines


def moments(count: int, longest: float, seed: int) -> list[float]:
    """Seconds after which to kill."""
    return [random.Random(seed).uniform(0.05, longest) for _ in range(count)]


def contents(folder: Path) -> dict[str, str]:
    """What lies below a folder: by relative name the hash of the content, without the times that were measured."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(lasting(path)).hexdigest()
        for path in files
        if "tensorboard" not in path.parts
    }


def lasting(path: Path) -> bytes:
    """The bytes of a file; of formats that hold times, what else they hold."""
    match path.suffix:
        case ".parquet":
            table = pd.read_parquet(path)
            return table.drop(columns=[name for name in ("seconds", "path") if name in table]).to_csv().encode()
        case ".safetensors":
            tensors = sorted(load_file(path).items())
            return b"".join(name.encode() + np.ascontiguousarray(value).tobytes() for name, value in tensors)
        case ".json":
            return json.dumps(sorted(json.loads(path.read_text()))).encode()
        case _:
            return path.read_bytes()


def left_over(folder: Path) -> list[str]:
    """What only a job at work should have there."""
    return [str(path) for path in folder.rglob("*") if path.name.endswith((".part", ".parts"))]
