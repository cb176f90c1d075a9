"""`python -m plan.make --cores 2 -- results/table1.csv`: Snakemake with one line for each job.

It takes Snakemake's arguments, and targets after `--`. What Snakemake itself would have said is in .snakemake/log.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import redirect_stderr
from io import StringIO
from logging import WARNING, LogRecord
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

from snakemake.cli import args_to_api, parse_args
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from media.text import print_any_letter
from plan.cost import Costs, earlier
from plan.ending import ending
from plan.errors import ConfigError
from plan.measured import SHIPPED, known_costs
from plan.progress import Progress
from plan.reading import check_files


class Screen:
    """Where lines are printed: one below the other, and on a terminal a last one that changes."""

    def __init__(self, file: TextIO):
        self.file, self.is_terminal = file, file.isatty()

    def show(self, lines: Iterable[str], status: str = "") -> None:
        """Print lines; `status` is the last one, cut to the terminal's width."""
        wipe = "\r\x1b[K" if self.is_terminal else ""
        self.file.write("".join(f"{wipe}{line}\n" for line in lines))
        if self.is_terminal:
            self.file.write(wipe + status[: shutil.get_terminal_size().columns - 1])
        self.file.flush()


def lines_for(progress: Progress, record: LogRecord) -> list[str]:
    """What an event of Snakemake makes a run say."""
    now, event = record.created, getattr(record, "event", None)
    match event:
        case LogEvent.RULEGRAPH:
            progress.graph(record.rulegraph["nodes"], record.rulegraph["links"])
        case LogEvent.RESOURCES_INFO:
            progress.cores = getattr(record, "cores", None) or getattr(record, "nodes", None) or progress.cores
        case LogEvent.RUN_INFO:
            return progress.planned(record.stats, now)
        case LogEvent.JOB_INFO:
            return progress.started(record.jobid, record.rule_name, record.wildcards, record.log, now)
        case LogEvent.JOB_FINISHED:
            return progress.finished(record.job_id, now)
        case LogEvent.JOB_ERROR:
            return progress.failed(record.jobid, now)
        case _ if record.levelno >= WARNING:
            return progress.said(record.getMessage(), error=record.levelno > WARNING)
    return []


def register(progress: Progress, screen: Screen) -> None:
    """Make the logger `huebench` known to Snakemake, which finds by name only those that are installed as packages."""

    class LogHandler(LogHandlerBase):
        writes_to_stream, writes_to_file = True, False
        has_filter = has_formatter = needs_rulegraph = True

        def __post_init__(self):
            self.over = threading.Event()
            threading.Thread(target=self.tick, daemon=True).start()

        def emit(self, record):
            try:
                screen.show(lines_for(progress, record), progress.status(time.time()))
            except Exception:  # a fault in what is said must not end the saying, still less the run
                self.handleError(record)

        def tick(self):
            while not self.over.wait(1 if screen.is_terminal else 10):
                with self.lock:
                    now = time.time()
                    screen.show(progress.silent(now), progress.status(now))

        def close(self):
            self.over.set()
            super().close()

    LoggerPluginRegistry().register_plugin("snakemake_logger_plugin_huebench", SimpleNamespace(LogHandler=LogHandler))


def costs_here() -> Costs:
    """What jobs of this folder and on this machine were measured to take."""
    try:
        measured = known_costs()
    except ConfigError as error:
        print(f"warning: {error}", file=sys.stderr)
        measured = SHIPPED
    return Costs(earlier(Path("logs")), measured.typical, measured.on)


def main(arguments: list[str]) -> int:
    """Exit status of a run with Snakemake's arguments."""
    print_any_letter()  # a table has letters that not every terminal takes
    targets = [Path(word) for word in arguments[arguments.index("--") + 1 :]] if "--" in arguments else []
    progress = Progress(costs_here(), os.cpu_count() or 1, time.time())
    screen = Screen(sys.stdout)
    register(progress, screen)
    said = StringIO()
    try:
        with redirect_stderr(said):  # it names the profile that it reads
            parser, parsed = parse_args(["--logger", "huebench", *arguments])
    except SystemExit:
        print(said.getvalue(), file=sys.stderr)
        raise
    if parsed.cores is not None and parsed.cores < 1:  # it would wait for a core for ever
        sys.exit(f"--cores is {parsed.cores}; expected how many cores to use, 1 or more")
    try:
        check_files(parsed.configfile or [])
    except ConfigError as error:
        sys.exit(f"error: {error}")
    if parsed.dryrun:
        sys.exit(f"a dry run has no progress to show; use snakemake -n -- {' '.join(map(str, targets))}")
    try:
        made = args_to_api(parsed, parser)
    except KeyboardInterrupt:  # once jobs run, Snakemake itself ends them
        print("stopped before any job began")
        return 130
    screen.show(ending(progress, targets, made, time.time()))
    return 0 if made else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
