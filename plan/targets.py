"""What was asked for and is made by no rule: one message that names the nearest thing that can be made."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import product
from pathlib import Path

SEE = "docs/output-layout.md lists what there is."


def asked_for(command: list[str]) -> list[str]:
    """The targets of a command line: Snakemake does not tell its Snakefile. Empty for one that is not Snakemake's.

    `python -m snakemake` and `python -m plan.make` take the same arguments.
    """
    program = Path(command[0])
    if not {"snakemake", "plan"} & {program.name, program.parent.name}:
        return []
    from snakemake.cli import get_argument_parser

    return get_argument_parser().parse_known_args(command[1:])[0].targets or []


def wrong_target(targets: Iterable[str], rules: Iterable, wildcards: dict[str, list[str]]) -> str | None:
    """What to say about the first target that cannot be made; None if all can.

    rules: Snakemake's. wildcards: what those in the names of files may stand for, where that is known.
    """
    rules = list(rules)
    for target in targets:
        rule = next((rule for rule in rules if rule.name == target), None)
        relative = os.path.relpath(target)
        path = target if os.path.isabs(target) else relative  # as Snakemake takes it
        is_outside = Path(relative).parts[:1] == (os.pardir,)
        is_source = is_outside and Path(target).exists()  # what is in the working directory only rules make
        if rule is not None and rule.has_wildcards():
            some = outputs_of(rule, wildcards)[:3]
            return (
                f"{target!r} makes many files; name one of them{', such as ' if some else ''}{', '.join(some)}. {SEE}"
            )
        if rule is None and not (any(one.is_producer(path) for one in rules) or is_source):
            names = [one.name for one in rules if not one.has_wildcards()]
            known = [*names, *(file for one in rules for file in outputs_of(one, wildcards))]
            near = get_close_matches(target if is_outside else relative, known, n=1, cutoff=0.6)
            return f"nothing makes {target!r}{f'; did you mean {near[0]!r}?' if near else '.'} {SEE}"
    return None


def outputs_of(rule, wildcards: dict[str, list[str]]) -> list[str]:
    """The files that a rule can make, but for those whose name has a wildcard of which any number may be."""
    from snakemake.io import get_wildcard_names, strip_wildcard_constraints

    files = []
    for output in map(strip_wildcard_constraints, map(str, rule.output)):
        names = sorted(get_wildcard_names(output))
        if all(name in wildcards for name in names):
            choices = product(*(wildcards[name] for name in names))
            files += [output.format(**dict(zip(names, chosen, strict=True))) for chosen in choices]
    return files
