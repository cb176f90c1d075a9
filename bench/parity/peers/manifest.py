"""The file that says what to compute: entries with their inputs, expected outputs and tolerances."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from media.text import read_json

# What may follow the name of an array in a reference to it: "clip/frames (first 3 frames)", "study/wins[i,j] = ...".
BEHIND_A_NAME = re.compile(r"$|[^\w/.-]")
FIRST = re.compile(r"\bfirst (\d+)\b")
SPLIT = re.compile(r"split into (\d+)\b")
UNIFORM = re.compile(r"all (ones|zeros)\b")


class Entry(BaseModel):
    """One entry of a manifest. `inputs` and `outputs` name arrays; what else an entry has is for people."""

    name: str
    group: str
    inputs: dict[str, Any]
    outputs: dict[str, str]
    rtol: float
    atol: float
    tol_overrides: dict[str, tuple[float, float]] = {}
    reference_only: list[str] = []
    call: str = ""

    def tolerance(self, output: str) -> tuple[float, float]:
        """Relative and absolute tolerance of an output."""
        return self.tol_overrides.get(output, (self.rtol, self.atol))


def read_entries(path: Path) -> Iterator[Entry | str]:
    """Yield each entry of a manifest, or why it is none. Raises ValueError for a file that is no manifest."""
    content = read_json(path)
    entries = content.get("entries") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise ValueError(f"{path}: expected a manifest, a JSON object with a list `entries`")
    for number, entry in enumerate(entries):
        try:
            yield Entry.model_validate(entry)
        except ValidationError as error:
            name = entry.get("name", number) if isinstance(entry, dict) else number
            wrong = (f"{'.'.join(map(str, one['loc'])) or 'entry'}: {one['msg']}" for one in error.errors())
            yield f"entry {name}: {'; '.join(wrong)}"


@dataclass
class Case:
    """An entry with the arrays that its references name. Rules take what they need by the name of the argument."""

    entry: Entry
    arrays: dict[str, np.ndarray]

    def has(self, argument: str) -> bool:
        return argument in self.entry.inputs

    def array(self, argument: str, clip: str = "") -> np.ndarray:
        """An input whole, that of one clip where the reference says `<clip>`. Raises KeyError if it is not there.

        Of the words behind an array's name "first N" counts, and "split into K" for `parts`; others are for people.
        """
        reference = self._reference(argument)
        if not isinstance(reference, str):
            return np.asarray(reference)
        text = reference.replace("<clip>", clip)
        name = self._name(text)
        if name is None:
            raise KeyError(f"input {argument} is {text!r}, which names no array of the file")
        first = FIRST.search(text, len(name))
        return self.arrays[name][: int(first[1])] if first else self.arrays[name]

    def parts(self, argument: str) -> list[np.ndarray]:
        """An input in as many nearly equal parts as its reference says; one if it says nothing."""
        split = SPLIT.search(str(self._reference(argument)))
        return np.array_split(self.array(argument), int(split[1]) if split else 1)

    def mask(self, argument: str, clip: str, shape: tuple[int, ...]) -> np.ndarray:
        """An input as bool, which may also be "all ones" or "all zeros"."""
        uniform = UNIFORM.match(str(self._reference(argument)))
        return np.full(shape, uniform[1] == "ones") if uniform else self.array(argument, clip).astype(bool)

    def clips(self, kind: str) -> dict[str, str]:
        """The arguments `<clip>_<kind>`, and `<kind>` alone, by the clip, in the manifest's order."""
        matches = {name: re.fullmatch(rf"(?:(.+)_)?{kind}", name) for name in self.entry.inputs}
        return {match[1] or "": name for name, match in matches.items() if match}

    def setting(self, name: str, default: Any) -> Any:
        """A setting: an input of that name, or `name=value` in `call`, where others state what they called with."""
        if self.has(name):
            return self.array(name).item()
        stated = re.search(rf"\b{name}=([\w/]+)", self.entry.call)
        return stated[1] if stated else default

    def _reference(self, argument: str) -> Any:
        if not self.has(argument):
            raise KeyError(f"no input {argument}, only {', '.join(self.entry.inputs) or 'none at all'}")
        return self.entry.inputs[argument]

    def _name(self, text: str) -> str | None:
        """The longest name of an array with which the text begins."""
        names = (name for name in self.arrays if text.startswith(name) and BEHIND_A_NAME.match(text, len(name)))
        return max(names, key=len, default=None)
