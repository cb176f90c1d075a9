"""`python -m plan versions`: the lock of the code's versions, plan/versions.tsv, against the code.

What has a version of its own: stages (modules that a rule calls), methods, metrics, and what else keeps results of its
own. A change of a module that one of them imports is either told to rerun it (`raise`) or told to be without
consequence for its numbers (`keep`), in a line that stands in the lock.
"""

import csv
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated

import tyro

from media.versions import LOCK, ROOT, Code, Line, is_locked, read_lock
from media.whole import written_whole

# A training's checkpoint and a coloured video say by which version of the code they are made.
OTHERS = ("colorize.training.exemplar", "colorize.inference.video")
KINDS_OF_ROWS = ("bench.methods.contract.command", "bench.methods.contract.precomputed")
COMMANDS = """\
    python -m plan versions raise [NAME ...] --why "..."    what is named, or all of them, runs again for everybody
    python -m plan versions keep --why "..."                the numbers are the same, and this line says why"""


@dataclass
class Comparison:
    """The code of a checkout beside its lock."""

    root: Path
    code: Code
    lock: dict[str, Line]

    @cached_property
    def closures(self) -> dict[str, set[str]]:
        """The modules that each one with a version is made of."""
        return {name: self.code.closure(name) for name in versioned(self.root)}

    @cached_property
    def modules(self) -> set[str]:
        return set().union(*self.closures.values())

    @cached_property
    def changed(self) -> set[str]:
        """The modules that are not what the lock says, new ones and those that nothing imports any more among them."""
        same = {name for name, line in self.lock.items() if is_locked(line, self.code)}
        return (self.modules | set(self.lock)) - (self.modules & same)

    @cached_property
    def undecided(self) -> dict[str, list[str]]:
        """What has a version, with the changed modules that it is made of, and the versions that have gone."""
        undecided = {name: sorted(parts & self.changed) for name, parts in self.closures.items()}
        gone = {name: ["gone"] for name, line in self.lock.items() if line.version and name not in self.closures}
        new = {name: ["new"] for name in self.closures if name not in self.lock or not self.lock[name].version}
        return {name: parts for name, parts in sorted((undecided | gone | new).items()) if parts}

    def lines(self, why: str, raised: set[str] = frozenset()) -> list[Line]:
        """The lock as it is to be: the code of now, and a higher version of what is raised."""
        lines = []
        for name in sorted(self.modules):
            old = self.lock.get(name)
            number = None
            if name in self.closures:
                number = ((old and old.version) or 1) + (name in raised)
            said = old.why if old and name not in self.changed | raised and old.version == number else why
            lines.append(Line(name, number, self.code.code(name), self.code.text(name), said))
        return lines


def compare(root: Path = ROOT) -> Comparison:
    """The code of a checkout beside its lock, both as they are now."""
    return Comparison(root, Code(root), read_lock(root))


def versioned(root: Path = ROOT) -> list[str]:
    """The modules that have a version of their own."""
    code = Code(root)
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sorted((root / "workflow/rules").glob("*.smk")))
    stages = {name for name in re.findall(r"python -m ([\w.]+)", rules) if not name.startswith("plan")}
    stages = {f"{name}.__main__" if code.file(f"{name}.__main__") else name for name in stages}
    files = [path for folder in ("methods", "metrics") for path in (root / "bench" / folder).glob("[!_]*.py")]
    single = {".".join(path.relative_to(root).with_suffix("").parts) for path in files}
    return sorted(name for name in {*stages, *single, *KINDS_OF_ROWS, *OTHERS} if code.file(name))


def report(found: Comparison) -> str:
    """What is still to be decided, and by which commands; empty if there is nothing."""
    if not (found.undecided or found.changed):
        return ""
    lines = [f"{LOCK} does not know the code of now. Changed: {', '.join(sorted(found.changed)) or 'no module'}."]
    lines += [f"  {name}: {', '.join(parts)}" for name, parts in found.undecided.items()]
    return "\n".join([*lines, "Say in one line what that means for their numbers:", COMMANDS])


def write_lock(lines: list[Line], root: Path = ROOT) -> None:
    """Write the lock, a line a module, so that a merge conflicts only where two changed one module."""
    with written_whole(root / LOCK) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
        rows.writerow(Line._fields)
        rows.writerows(lines)


def check() -> None:
    """Say which versions are to be decided on; exit status 1 if there are any."""
    if said := report(compare()):
        sys.exit(said)
    print(f"{LOCK} knows the code of now.")


def keep(*, why: str) -> None:
    """Keep all versions: no number changes by what was changed.

    Args:
        why: a line that says why.
    """
    found = compare()
    write_lock(found.lines(one_line(why)))
    print(f"kept: {', '.join(found.undecided) or 'nothing had changed'}")


def higher(
    names: Annotated[tuple[str, ...], tyro.conf.Positional] = (), /, *, why: str, others_keep: bool = False
) -> None:
    """Raise versions: what has them runs again for everybody.

    Args:
        names: modules; a stage, method or metric, or what some import, for all that import it. None: all changed ones.
        why: a line that says why.
        others_keep: the line also says why whatever else was changed has the same numbers as before.
    """
    found = compare()
    raised = set(found.undecided) & set(found.closures)
    if names:
        raised = set().union(*(made_of(name, found) for name in names))
    left = set(found.undecided) & set(found.closures) - raised
    if left and not others_keep:
        sys.exit(
            f"{', '.join(sorted(left))}: made of changed modules as well; name them too, or say --others-keep if their "
            "numbers are the same"
        )
    write_lock(found.lines(one_line(why), raised))
    print(f"raised: {', '.join(sorted(raised)) or 'nothing'}\nkept: {', '.join(sorted(left)) or 'nothing'}")


def made_of(name: str, found: Comparison) -> set[str]:
    """What has a version and is made of a module. Ends the command if there is nothing."""
    users = {user for user, parts in found.closures.items() if name in parts}
    if not users:
        near = get_close_matches(name, found.modules, n=1)
        sys.exit(
            f"{name}: no module that anything with a version imports{f'; did you mean {near[0]}?' if near else ''}"
        )
    return users


def one_line(why: str) -> str:
    """The reason as it stands in the lock. Ends the command without one."""
    said = " ".join(why.split())
    if not said:
        sys.exit("--why needs a line that says what happens to the numbers, and why")
    return said


def main(arguments: list[str] | None = None) -> None:
    """The command of people."""
    commands = {"check": check, "keep": keep, "raise": higher}
    tyro.extras.subcommand_cli_from_dict(commands, prog="python -m plan versions", args=arguments)
