"""What a parity check says about one key, and how it comes to that."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from media.faults import of_the_machine

# Called with the case that it answers for and with what its pattern captured of the output's name.
Rule = Callable[..., object]


class NoRule(LookupError):
    """Nothing here computes that output."""


@dataclass
class Outcome:
    """The verdict on one key. `judged` is False where a difference is no miss; `label` then stands for the verdict."""

    key: str
    passed: bool
    says: str
    judged: bool = True
    label: str = "ref"

    @property
    def missed(self) -> bool:
        return self.judged and not self.passed

    def __str__(self) -> str:
        verdict = ("ok" if self.passed else "MISS") if self.judged else self.label
        return f"{verdict:<4}  {self.key:<58} {self.says}"


def answer(rules: Mapping[str, Rule], case: object, output: str, of: str) -> object:
    """The value of an output by the first rule whose pattern is its name.

    So `cdc_t3` and `ci90_a` need no rules of their own. Raises NoRule, which names `of`, where no pattern is.
    """
    for pattern, rule in rules.items():
        if name := re.fullmatch(pattern, output):
            return rule(case, *name.groups())
    raise NoRule(f"no rule here for this output of {of}")


def tried(compute: Callable[[], object], near: Callable[[np.ndarray], tuple[bool, str]]) -> tuple[bool, str]:
    """Whether an output is computed and near enough, and what to say."""
    try:
        return near(np.asarray(compute()))
    except NoRule as error:
        return False, str(error)
    except Exception as error:  # whatever a strange input does, it is the verdict on this output, not the end
        if of_the_machine(error):
            raise
        return False, f"failed with {type(error).__name__}: {error}"
