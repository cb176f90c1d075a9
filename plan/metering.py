"""A run of Snakemake that notes what each job cost: CPU seconds of its processes, and the memory of the largest.

Snakemake's benchmark files have no CPU seconds to rely on: it looks twice a second, and after 15 s twice a minute. Here
one job runs at a time, and the system says what the processes that ended since it began have used.
"""

import resource
from collections.abc import Callable
from dataclasses import dataclass
from logging import LogRecord
from pathlib import Path
from types import SimpleNamespace

from snakemake.cli import args_to_api, parse_args
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

NAME = "meter"


@dataclass(frozen=True)
class MeteredJob:
    """What one job cost."""

    rule: str
    of: tuple[str, ...]  # its wildcards
    seconds: float  # of a CPU
    memory: float  # bytes


def metered(arguments: list[str], folder: Path, say: Callable[[str], None]) -> list[MeteredJob]:
    """Run Snakemake with its arguments and one core in a folder; the jobs that ended well, in their order.

    say: is told of each job, before it begins and when it failed.
    """
    jobs: list[MeteredJob] = []
    running: dict[int, tuple] = {}

    def see(record: LogRecord) -> None:
        match getattr(record, "event", None):
            case LogEvent.JOB_INFO:
                of = tuple(map(str, record.wildcards.values()))
                say(" ".join((record.rule_name, *of)))
                running[record.jobid] = record.rule_name, of, _used()
            case LogEvent.JOB_FINISHED:
                rule, of, before = running.pop(record.job_id)
                memory = _peak(folder, rule, of)
                jobs.append(MeteredJob(rule, of, _used() - before, memory))
            case LogEvent.JOB_ERROR:
                say(f"{record.rule_name} failed")

    _register(see)
    own = ["--cores", "1", "--directory", str(folder), "--logger", NAME, "--nolock", "--keep-going"]
    parser, parsed = parse_args([*own, *arguments])
    args_to_api(parsed, parser)
    return jobs


def _used() -> float:
    """CPU seconds of all processes of this one that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak(folder: Path, rule: str, of: tuple[str, ...]) -> float:
    """Bytes of a job at most, as its benchmark file says; 0 where it is too short to be looked at."""
    for path in (folder / "logs" / rule / f"{'/'.join(of)}.benchmark.tsv", folder / f"logs/{rule}.benchmark.tsv"):
        try:
            return float(path.read_text().splitlines()[1].split("\t")[2]) * 2**20
        except (OSError, ValueError, IndexError):
            continue
    return 0.0


def _register(see: Callable[[LogRecord], None]) -> None:
    class MeterHandler(LogHandlerBase):
        writes_to_stream, writes_to_file = True, False
        has_filter = has_formatter = True
        needs_rulegraph = False

        def emit(self, record):
            try:
                see(record)
            except Exception:
                self.handleError(record)

    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", SimpleNamespace(LogHandler=MeterHandler))
