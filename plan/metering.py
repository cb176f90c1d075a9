"""A run of Snakemake that notes what each job cost: CPU seconds of its processes, and the memory of the largest.

Snakemake's benchmark files have no CPU seconds to rely on: it looks twice a second, and after 15 s twice a minute. Here
one job runs at a time, and the system says what the processes that ended since it began have used.
"""

import json
import resource
import subprocess
import sys
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from io import StringIO
from logging import ERROR, LogRecord
from pathlib import Path
from types import SimpleNamespace

from snakemake.cli import args_to_api, parse_args
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from plan.errors import ConfigError
from plan.reading import ROOT

NAME = "meter"
RESULT = "jobs.json"


@dataclass(frozen=True)
class MeteredJob:
    """What one job cost."""

    rule: str
    of: tuple[str, ...]  # its wildcards
    seconds: float  # of a CPU
    memory: float  # bytes, 0 where the job was too short to be looked at


def metered(arguments: list[str], folder: Path) -> list[MeteredJob]:
    """Run Snakemake with its arguments and one core in a folder; the jobs that ended well, in their order.

    Each job is named on standard output before it begins, and so are errors. Raises ConfigError where no job began.
    """
    own = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "1", "--directory", str(folder), "--keep-going"]
    command = [sys.executable, "-m", "plan.metering", *own, *arguments]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, errors="replace")
    try:
        jobs = json.loads((folder / RESULT).read_text())
    except FileNotFoundError as error:
        last = "".join(done.stderr.strip().splitlines()[-1:])
        raise ConfigError(f"the run that measures this machine did not begin: {last or 'see above'}") from error
    return [MeteredJob(**job | {"of": tuple(job["of"])}) for job in jobs]


def main(arguments: list[str]) -> None:
    """The process that is Snakemake."""
    jobs: list[MeteredJob] = []
    running: dict[int, tuple] = {}

    def see(record: LogRecord) -> None:
        match getattr(record, "event", None):
            case LogEvent.JOB_INFO:
                of = tuple(map(str, record.wildcards.values()))
                print("  " + " ".join((record.rule_name, *of)), flush=True)
                running[record.jobid] = record.rule_name, of, _used()
            case LogEvent.JOB_FINISHED:
                rule, of, before = running.pop(record.job_id)
                jobs.append(MeteredJob(rule, of, _used() - before, _peak(folder, rule, of)))
            case _ if record.levelno >= ERROR:
                print(record.getMessage(), flush=True)

    _register(see)
    with redirect_stderr(StringIO()):  # it names the profile that it reads
        parser, parsed = parse_args(["--logger", NAME, *arguments])
    folder = Path(parsed.directory)
    args_to_api(parsed, parser)
    (folder / RESULT).write_text(json.dumps([asdict(job) for job in jobs]))


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


def _register(see) -> None:
    """Make a logger known to Snakemake that shows each record to `see`."""

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


if __name__ == "__main__":
    main(sys.argv[1:])
