"""The whole of prep as the workflow runs it: its steps as functions in this process, or each as a command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from benchmarks.footage import Footage
from media.tables import folder_of
from prep import clips, flow, gather, sources
from prep.judging.quality import Filters

ROOT = Path(__file__).parents[1]
FILTERS = Filters(min_mean_l=15, min_mean_chroma=6, min_chroma_spread=0.5, min_side=96, duplicates="off")
# Runs a command like `python -m` and says how much memory it took at most: ru_maxrss begins with that of the parent.
WITH_PEAK = """
import runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, "")
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@dataclass(frozen=True)
class StageCall:
    """One call of a stage: as a function with these options, or as a command."""

    command: tuple[str, ...]
    function: Callable[..., None]
    options: dict

    def arguments(self) -> list[str]:
        """Those of `python -m`."""
        given = [*self.command]
        for name, value in self.options.items():
            values = value if isinstance(value, list | tuple) else [value]
            given += [f"--{name.replace('_', '-')}", *map(str, values)]
        return given


def steps(films: Path, work: Path, footage: Footage, shards: int, workers: int) -> list[list[StageCall]]:
    """The whole of prep as the workflow runs it; the steps of one list may run side by side.

    workers: of a shard.
    """
    registry = work / "datasets.tsv"
    registry.write_text(f"name\tkind\troot\nfilms\tvideos\t{films.resolve()}\n")
    listed, made, flows = work / "sources.parquet", work / "clips/test.parquet", work / "flow/dis/test.parquet"
    of_clips, of_flows = (
        [work / f"shards/{stage}/{shard}.parquet" for shard in range(shards)] for stage in ("clips", "flow")
    )
    selections = json.dumps([{"dataset": "films", "files": "*"}])
    selection = {"datasets": registry, "selections": selections, "kind": "clips", "length": footage.length}
    recipe = {"size": footage.size, "filters": FILTERS.model_dump_json(), "frames": folder_of(made)}
    estimate = {"estimator": "dis", "weights": work, "flows": folder_of(flows)}
    sharded = {"shards": shards, "workers": workers}
    return [
        [StageCall(("prep.sources",), sources.main, selection | {"table": listed})],
        [
            StageCall(
                ("prep.clips",), clips.main, {"sources": listed, "shard": shard, "table": table} | recipe | sharded
            )
            for shard, table in enumerate(of_clips)
        ],
        [
            StageCall(
                ("prep.gather", "items"),
                gather.items,
                {"sources": listed, "shards": of_clips, "claimed": [], "duplicates": "off", "table": made},
            )
        ],
        [
            StageCall(("prep.flow",), flow.main, {"clips": made, "shard": shard, "table": table} | estimate | sharded)
            for shard, table in enumerate(of_flows)
        ],
        [StageCall(("prep.gather", "flow"), gather.flow, {"clips": made, "shards": of_flows, "table": flows})],
    ]


def call(stages: list[list[StageCall]]) -> None:
    """All steps as functions, in this process, without what they print."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        for one in (one for stage in stages for one in stage):
            one.function(**one.options)


def command(step: StageCall) -> int:
    """The step as a command; returns the most memory that it had, bytes. Raises CalledProcessError."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    started = [sys.executable, "-c", WITH_PEAK, *step.arguments()]
    done = subprocess.run(started, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(step.arguments())} fails:\n{done.stderr}")
    return int(done.stdout.split()[-1]) * 1024


def commands(stages: list[list[StageCall]], side_by_side: int) -> dict[str, int]:
    """All steps as commands; returns the most memory that one of each stage had, bytes."""
    peaks: dict[str, int] = {}
    with ThreadPoolExecutor(side_by_side) as pool:
        for stage in stages:
            name = stage[0].command[0]
            peaks[name] = max(peaks.get(name, 0), *pool.map(command, stage))
    return peaks
