"""The command `check`: in one screen, what a configuration needs that is not there, and what follows from that.

A run begins with the same check of the jobs that it would do, and stops where one of them lacks something.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import wrap

from bench.methods.contract.rows import method_of
from bench.stand_ins import Choices, stand_ins
from plan.errors import ConfigError
from plan.needs import FETCH_DATASET, FETCH_WEIGHTS, MISSING, Need, Needs
from plan.pipeline import Plan
from plan.reading import ROOT, check_files, read_config
from vision.weights import ALEXNET

WIDTH = 100  # letters of a line
UNBROKEN = {"break_long_words": False, "break_on_hyphens": False}  # a name or an address is copied whole
MORE = "`python -m plan check`, with the same --configfile, says this of all that there is to make."
# So many entries of a list are shown where not all are wanted.
FEW = {"missing": 9, "there": 8, "rows": 4, "groups": 2}
HOW_TO_GET = {
    "datasets": f"`{FETCH_DATASET} NAME{{datasets}}`, or put the files there: docs/datasets.md says whom to ask",
    "weights": f"`{FETCH_WEIGHTS} NAME ...{{weights}}`, or put the files into {{folder}}",
    "checkpoints": "train them, or correct `checkpoint` in the configuration",
}
CALLED = {"datasets": "Datasets", "weights": "Weight files", "checkpoints": "Checkpoints"}


def main(*, configfile: tuple[Path, ...] = (), all: bool = False) -> None:
    """Say what a configuration needs: what is there, what is missing and how to get it, and which rows cannot be made.

    Exit status: 0 if all rows, tables and figures can be made, else 1. Nothing is downloaded.

    Args:
        configfile: configurations on top of the default one, config/config.yaml, as Snakemake takes them.
        all: show long lists whole.
    """
    try:
        check_files(configfile)
        needs = Needs(Plan(read_config(configfile), ROOT))
        check = Check(needs, needs.of_all(), list(needs.plan.rows), is_scored=True)
        lines = list(check.lines(all))
    except ConfigError as error:
        sys.exit(f"error: {error}")
    called = " and ".join(map(str, configfile)) or "config/config.yaml"
    print("\n".join([f"What {called} needs:", *lines]))
    sys.exit(0 if check.passes else 1)


def check_of_jobs(plan: Plan, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> "Check":
    """The check of the jobs of a run: the rule of each, and what its wildcards stand for."""
    needs, jobs = Needs(plan), sorted(jobs, key=lambda job: (job[0], sorted(job[1].items())))
    jobs = [(rule.removesuffix("_shard"), own) for rule, own in jobs]
    rows = dict.fromkeys(own["row"] for rule, own in jobs if rule in ("colorize", "recolor", "colorize_shown"))
    return Check(needs, needs.of_jobs(jobs), list(rows), is_scored=any(rule == "score" for rule, _ in jobs))


def before_run(plan: Plan, jobs: Iterable[tuple[str, Mapping[str, str]]], warn: Callable[[str], object]) -> str:
    """The screen that stops a run because its jobs lack something; empty where they do not. `warn` is told of rows that
    are skipped."""
    check = check_of_jobs(plan, jobs)
    if check.missing:
        return "\n".join(["What was asked for needs more than is there:", *check.lines(), MORE])
    for row, why in check.skipped.items():
        warn(f"the row {row} is left empty: {why}")
    return ""


@dataclass(frozen=True)
class Check:
    """What is needed for something, and what of it is not there."""

    needs: Needs
    needed: list[Need]
    rows: list[str]  # that are to be coloured
    is_scored: bool

    @cached_property
    def missing(self) -> list[Need]:
        """What cannot be used; no job that needs one of these can be done."""
        return [need for need in self.needed if need.fault]

    @cached_property
    def skipped(self) -> dict[str, str]:
        """The rows that a run goes on without, each with the reason."""
        reasons = {row: self.needs.why_not(row) for row in self.rows}
        return {row: reason for row, reason in reasons.items() if reason}

    @property
    def passes(self) -> bool:
        return not self.missing and not self.skipped

    def lines(self, everything: bool = False) -> Iterator[str]:
        """The screen; `everything`: long lists whole."""
        for kind in CALLED:
            yield from self._about_needs(kind, everything)
        yield from self._about_rows(everything)
        yield from self._about_scores()
        yield from self._how_to_get()

    def _about_needs(self, kind: str, everything: bool) -> Iterator[str]:
        by_name: dict[str, list[Need]] = {}
        for need in self.needed:
            if need.kind == kind:
                by_name.setdefault(need.name, []).append(need)
        if not by_name:
            return
        missing = {name: own for name, own in by_name.items() if any(need.fault for need in own)}
        there = [self._there(name, own) for name, own in by_name.items() if name not in missing]
        said = f"{CALLED[kind]}: {len(there)} of {len(by_name)} {'is' if len(by_name) == 1 else 'are'} there"
        names = ", ".join(_few(there, FEW["there"], everything))
        yield from wrap(f"{said}{f': {names}' if there else ''}", WIDTH, subsequent_indent="  ", **UNBROKEN)
        entries = [_lacking(name, next(need for need in own if need.fault)) for name, own in missing.items()]
        for text in _few(entries, FEW["missing"], everything):
            yield from _entry(MISSING, text)

    def _there(self, name: str, own: list[Need]) -> str:
        if own[0].kind != "datasets":
            return name
        count, registered = self.needs.count(name, own), own[0].size
        if registered and count < int(registered.partition(" ")[0].replace(",", "")):
            return f"{name} ({count:,} of {registered})"
        return f"{name} ({count:,} file{'' if count == 1 else 's'})"

    def _about_rows(self, everything: bool) -> Iterator[str]:
        if not self.rows:
            return
        lacking = {row: [need.name for need in self.needs.of_row(row) if need in self.missing] for row in self.rows}
        lacking = {row: list(dict.fromkeys(names)) for row, names in lacking.items() if names}
        left = [row for row in self.rows if row not in lacking and row not in self.skipped]
        yield f"Rows: {len(left)} of {len(self.rows)} can be coloured"
        shared = [name for name in next(iter(lacking.values()), []) if all(name in own for own in lacking.values())]
        if len(lacking) > 1 and shared:
            who = f"all {len(lacking)}" if len(lacking) == len(self.rows) else f"{len(lacking)} rows"
            yield from _entry("lack", f"{who}: {', '.join(_few(shared, FEW['rows'], everything))}")
        groups: dict[tuple[str, ...], list[str]] = {}
        for row, names in lacking.items():
            own = tuple(name for name in names if name not in shared or len(lacking) == 1)
            groups.setdefault(own, []).append(row)
        entries = [
            f"{', '.join(_few(rows, FEW['rows'], everything))}: {', '.join(_few(names, FEW['rows'], everything))}"
            for names, rows in groups.items()
            if names
        ]
        for text in _few(entries, FEW["groups"], everything):
            yield from _entry("lack", text)
        for text in _few([f"{row}: {why}" for row, why in self.skipped.items()], FEW["rows"], everything):
            yield from _entry("skipped", text)

    def _about_scores(self) -> Iterator[str]:
        """What scores lack, which columns are left out, and what stands in for the paper's choices."""
        if not self.is_scored:
            return
        lacking = [need.name for need in self.needs.of_scores() if need in self.missing]
        entries = [("lack", ", ".join(lacking) + ": without, no table can be made")] if lacking else []
        if self.needs.lacks_lpips():
            entries.append(("left out", f"LPIPS: {ALEXNET.name} ({ALEXNET.size}) is missing; {ALEXNET.origin}"))
        entries += self._about_networks()
        entries += [("stand-in", text) for text in stand_ins(Choices(**self.needs.plan.choices))]
        absent = self.needs.sets.absent
        entries += [("empty", f"the figure about the {split} clips: {why}") for split, why in absent.items()]
        if entries:
            yield "Scores and columns"
        for what, text in entries:
            yield from _entry(what, text)

    def _about_networks(self) -> Iterator[tuple[str, str]]:
        """Which rows are their authors' networks, and which are trained here though there are such."""
        plan = self.needs.plan
        networks = {row: network for row in self.rows if (network := plan.network_of(row))}
        published: dict[str, list[str]] = {}
        for row, own in networks.items():
            if own.published and not own.differs:
                published.setdefault(own.published, []).append(row)
        if published:
            yield "published", "; ".join(f"{', '.join(rows)} ({file})" for file, rows in published.items())
        for file, differs in dict.fromkeys((own.published, own.differs) for own in networks.values() if own.differs):
            if file:
                rows = ", ".join(row for row, own in networks.items() if own.published == file)
                said = f"{file} is a file of that name whose content is NOT the published one: {differs}"
                yield "stand-in", f"{rows}: {said}"
        for why, is_there in (("which are not there", False), ("which are there", True)):
            rows = [
                row
                for row, own in networks.items()
                if self.needs.is_trained_anew(row) and is_there != bool(own.missing or own.differs)
            ]
            methods = dict.fromkeys(method_of(row, plan.rows[row]) for row in rows)
            if methods:
                yield "stand-in", f"{', '.join(methods)}: trained here, not with their authors' weights, {why}"

    def _how_to_get(self) -> Iterator[str]:
        kinds = dict.fromkeys(need.kind for need in self.missing)
        if kinds:
            yield "To get what is missing"
        config, usual = self.needs.config, {"datasets": "config/datasets.tsv", "weights": "weights/external"}
        flags = {key: "" if config[key] == path else f" --{key} {config[key]}" for key, path in usual.items()}
        for kind in kinds:
            yield from _entry(kind, HOW_TO_GET[kind].format(folder=config["weights"], **flags))


def _lacking(name: str, need: Need) -> str:
    """A line about what cannot be used: how large it is and where from, or else what is wrong with it."""
    if need.fault != MISSING:
        return f"{name}: {need.fault}"
    size = f" ({need.size})" if need.size else ""
    return f"{name}{size}: {f'from {need.origin}' if need.origin else f'belongs into {need.where}'}"


def _few(texts: Iterable[str], count: int, everything: bool) -> list[str]:
    """The first of many, and how many more there are."""
    texts = list(texts)
    if everything or len(texts) <= count + 1:
        return texts
    return [*texts[:count], f"{len(texts) - count} more (--all shows them)"]


def _entry(what: str, text: str) -> list[str]:
    """The lines of an entry: what it is, then the text, broken where it is long."""
    return wrap(text, WIDTH, initial_indent=f"  {what:<9} ", subsequent_indent=" " * 12, **UNBROKEN)
