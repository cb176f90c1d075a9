"""2,000 mutated pictures, videos and weight files: no hang, no hunger for memory, no exception that is not typed."""

import select
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from campaign import ENVIRONMENT
from fuzzed import mutated, originals

pytestmark = pytest.mark.slow
COUNTS = {"pictures": 900, "videos": 600, "weights": 500}
SECONDS = 10
BYTES = 10**9


class Reader:
    """The process that reads the files, started again where one has ended it."""

    def __init__(self):
        command = [sys.executable, Path(__file__).with_name("fuzzed.py")]
        self.process = subprocess.Popen(
            command,
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def read(self, path: Path, seconds: float) -> tuple[int, str]:
        """Bytes that it took, and what it came to."""
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            self.process.kill()
            return 0, f"HANGS for {seconds} s"
        line = self.process.stdout.readline()
        if not line:
            return 0, f"DIED with {self.process.wait()}"
        taken, outcome = line.rstrip("\n").split("\t", 1)
        return int(taken), outcome


@pytest.mark.parametrize("kind", COUNTS)
def test_mutated(kind, tmp_path):
    files = originals(tmp_path / "whole")[kind]
    reader, rng, bad, outcomes = Reader(), np.random.default_rng(14), [], Counter()
    for path in files:
        assert reader.read(path, 60)[1] in ("read", "MisfitWeights"), path  # the weights are of no network of ours
    for index in range(COUNTS[kind]):
        original = files[index % len(files)]
        path = tmp_path / f"{original.stem.split('.')[0]}_{index}{original.suffix}"
        path.write_bytes(mutated(original.read_bytes(), rng))
        taken, outcome = reader.read(path, SECONDS)
        outcomes[outcome.split()[0]] += 1
        if outcome.startswith(("UNTYPED", "HANGS", "DIED")) or taken > BYTES:
            bad.append(f"{path.name} (of {original.name}): {outcome}, {taken / 2**20:.0f} MB")
            if reader.process.poll() is not None or outcome.startswith("HANGS"):
                reader = Reader()
        else:
            path.unlink()
    reader.process.kill()
    assert not bad, f"{len(bad)} of {COUNTS[kind]}:\n" + "\n".join(bad[:20])
    assert outcomes["read"] and len(outcomes) > 1, outcomes
