"""`python -m plan versions`: the code of a checkout against the lock of its versions, plan/versions.tsv.

What has a version of its own: stages (modules that a rule calls), methods, metrics, and what else says of its results
by which code they were made. When a module that one of them is made of changes, either it is raised, and runs again for
everybody, or it is kept, with a line in the lock that says why its numbers are the same.
"""

import csv
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Literal

from media.versions import LOCK, ROOT, Code, Line, is_locked, read_lock
from media.whole import written_whole

KINDS_OF_ROWS = ("bench.methods.contract.command", "bench.methods.contract.precomputed")
# The metadata of a training's checkpoint, and a video that is to be coloured on from where it was stopped.
OTHERS = ("colorize.training.exemplar", "colorize.inference.video")
COMMANDS = """\
    python -m plan versions raise [NAME ...] --why "..."    they run again for everybody; without a name all of them
    python -m plan versions keep --why "..."                their numbers are the same, and this line says why"""


@dataclass
class LockComparison:
    """The code of a checkout beside its lock."""

    root: Path
    code: Code
    lock: dict[str, Line]

    @cached_property
    def closures(self) -> dict[str, set[str]]:
        """The modules that each one with a version is made of."""
        return {name: self.code.closure(name) for name in versioned(self.code)}

    @cached_property
    def modules(self) -> set[str]:
        """All modules that something with a version is made of: those that the lock has to have."""
        return set().union(*self.closures.values())

    @cached_property
    def changed(self) -> set[str]:
        """The modules of which the lock does not say what they are, or that it should no longer have."""
        same = {name for name, line in self.lock.items() if is_locked(line, self.code)}
        return (self.modules | set(self.lock)) - (self.modules & same)

    @cached_property
    def undecided(self) -> dict[str, list[str]]:
        """What has a version and is made of changed modules, with those; without any if only the lock lacks it."""
        parts = {name: sorted(parts & self.changed) for name, parts in self.closures.items()}
        return {
            name: changed
            for name, changed in parts.items()
            if changed or name not in self.lock or self.lock[name].version is None
        }

    @property
    def is_locked(self) -> bool:
        """Whether the lock is that of this code."""
        return not self.changed and not self.undecided

    def made_of(self, module: str) -> set[str]:
        """What has a version and is made of a module. Ends the command if nothing is."""
        users = {name for name, parts in self.closures.items() if module in parts}
        if not users:
            near = get_close_matches(module, self.modules, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            sys.exit(f"{module}: no stage, method or metric is made of such a module{hint}")
        return users

    def lines(self, why: str, raised: set[str] = frozenset()) -> list[Line]:
        """The lock as it is to be: the code of now, and higher versions of what is raised."""
        return [self._line(module, why, module in raised) for module in sorted(self.modules)]

    def _line(self, module: str, why: str, is_raised: bool) -> Line:
        old = self.lock.get(module, Line(module, None, "", "", ""))
        number = (old.version or 1) + is_raised if module in self.closures else None
        is_same = module not in self.changed and old.version == number
        return Line(module, number, self.code.code(module), self.code.text(module), old.why if is_same else why)


def compare(root: Path = ROOT) -> LockComparison:
    """The code of a checkout beside its lock, both as they are now."""
    return LockComparison(root, Code(root), read_lock(root))


def versioned(code: Code) -> list[str]:
    """The modules that have a version of their own."""
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sorted(code.root.glob("workflow/rules/*.smk")))
    stages = {name for name in re.findall(r"python -m ([\w.]+)", rules) if code.file(name)}
    stages = {f"{name}.__main__" if code.file(f"{name}.__main__") else name for name in stages}
    files = [path for kind in ("methods", "metrics") for path in code.root.glob(f"bench/{kind}/[!_]*.py")]
    single = {".".join(path.relative_to(code.root).with_suffix("").parts) for path in files}
    return sorted(name for name in {*stages, *single, *KINDS_OF_ROWS, *OTHERS} if code.file(name))


def report(comparison: LockComparison) -> str:
    """What is to be decided, and by which commands; empty if there is nothing."""
    if comparison.is_locked:
        return ""
    lines = [f"{LOCK} is not the lock of this code. Changed: {', '.join(sorted(comparison.changed)) or 'no module'}."]
    for parts in sorted(set(map(tuple, comparison.undecided.values()))):
        names = [name for name, changed in comparison.undecided.items() if tuple(changed) == parts]
        lines.append(f"  made of {', '.join(parts) or 'what they were'}: {', '.join(names)}")
    return "\n".join([*lines, "Say in a line what becomes of their numbers:", COMMANDS])


def write_lock(lines: list[Line], root: Path = ROOT) -> None:
    """Write the lock, a line a module, so that a merge conflicts only where both sides changed one module."""
    with written_whole(root / LOCK) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n")
        rows.writerow(Line._fields)
        rows.writerows(lines)


def check(root: Path) -> None:
    """Say what is to be decided; exit status 1 if anything is."""
    if said := report(compare(root)):
        sys.exit(said)
    print(f"{LOCK} is the lock of this code.")


def keep(why: str, root: Path) -> None:
    """Keep all versions: no number changes by what was changed."""
    comparison = compare(root)
    write_lock(comparison.lines(one_line(why)), root)
    print(f"kept: {', '.join(comparison.undecided) or 'nothing had changed'}")


def higher(names: tuple[str, ...], why: str, others_keep: bool, root: Path) -> None:
    """Raise versions: what has them runs again for everybody."""
    comparison = compare(root)
    raised = set().union(*map(comparison.made_of, names)) if names else set(comparison.undecided)
    left = sorted(set(comparison.undecided) - raised)
    if left and not others_keep:
        sys.exit(
            f"made of changed modules as well: {', '.join(left)}. Name them too, or say --others-keep if their numbers "
            "are the same"
        )
    write_lock(comparison.lines(one_line(why), raised), root)
    print(f"raised: {', '.join(sorted(raised)) or 'nothing'}\nkept: {', '.join(left) or 'nothing'}")


def one_line(why: str) -> str:
    """The reason as it stands in the lock. Ends the command if there is none."""
    if not (said := " ".join(why.split())):
        sys.exit("--why needs a line: what becomes of the numbers, and why")
    return said


def main(
    action: Literal["check", "keep", "raise"] = "check",
    names: tuple[str, ...] = (),
    /,
    *,
    why: str = "",
    others_keep: bool = False,
    root: Path = ROOT,
) -> None:
    """Compare the code with the lock of its versions, or write the lock.

    Args:
        action: check says what is to be decided; keep: the numbers are the same; raise: what is named runs again for
            everybody.
        names: for raise, stages, methods, metrics, or a module that some are made of, for all of these. None: all that
            are made of changed modules.
        why: for keep and raise, a line that says what becomes of the numbers, and why.
        others_keep: for raise, it also says why all others that are made of changed modules have the same numbers.
        root: the checkout.
    """
    if names and action != "raise":
        sys.exit(f"{action} is about all that is made of changed modules; take {', '.join(names)} out")
    try:
        if action == "check":
            check(root)
        elif action == "keep":
            keep(why, root)
        else:
            higher(names, why, others_keep, root)
    except ValueError as error:  # a module or the lock cannot be read
        sys.exit(str(error))
