"""What a parity check says about one key."""

from dataclasses import dataclass


@dataclass
class Line:
    """The verdict on one key. `judged` is False where a difference is no miss; `label` then stands for the verdict."""

    key: str
    passed: bool
    says: str
    judged: bool = True
    label: str = "ref"

    def __str__(self) -> str:
        verdict = ("ok" if self.passed else "MISS") if self.judged else self.label
        return f"{verdict:<4}  {self.key:<58} {self.says}"
