"""Paths of source files as tables store them, so that a run is still right where it was moved or cloned to.

A file of an installed package is stored below the folder of packages, one in the working directory as seen from the
table; any other one with its whole path. Whoever reads or writes a table has whole paths.
"""

import os
import sysconfig
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

PACKAGES = ("platlib", "purelib")  # sysconfig's names of the folders that packages are installed in
TABLE = "{table}"


def storing(table: str | Path) -> Callable[[str], str]:
    """The function that makes a whole path what `table` stores."""
    here, folder = os.getcwd(), os.path.dirname(os.path.abspath(table))
    known = {sysconfig.get_path(name): f"{{{name}}}" for name in PACKAGES}
    if f"{folder}/".startswith(f"{here}/"):
        known[here] = f"{TABLE}/{os.path.relpath(here, folder)}"

    def stored(path: str) -> str:
        above = next((above for above in known if path.startswith(f"{above}/")), None)
        return known[above] + path[len(above) :] if above else path

    return stored


def locating(table: str | Path) -> Callable[[str], str]:
    """The function that makes what `table` stores a whole path again."""
    known = {f"{{{name}}}": sysconfig.get_path(name) for name in PACKAGES}
    known[TABLE] = os.path.dirname(os.path.abspath(table))

    def located(text: str) -> str:
        name, _, below = text.partition("/")
        return os.path.normpath(f"{known[name]}/{below}") if name in known else text

    return located


def resolved(place):
    """A path, or a dataclass with its paths, as it is also right in another working directory."""
    if isinstance(place, Path):
        return place.resolve()
    if is_dataclass(place):
        return replace(place, **{field.name: resolved(getattr(place, field.name)) for field in fields(place)})
    return place
