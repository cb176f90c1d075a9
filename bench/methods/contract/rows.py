"""How a row of the table finds its method.

A row is a name and options (`methods:` in the config). `precomputed` and `command` need no code; any other row
is the one Method class in bench/methods/<row>.py, or in the file that its option `method` names. A row `a+b` is what
the post-processor b makes of the row a: the method is b's.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterable

from bench.methods.contract.method import GIVEN, KINDS, Method, Setting
from media.names import NO_NAME, is_name, suggested

# Options of a row that the pipeline itself reads; all others go to the constructor of its method.
ROW_OPTIONS = ("method", "training", "checkpoint", "prefer", "precomputed", "command")
# Options that decide no result that there is.
EXECUTION_OPTIONS = ("timeout",)


def deciding_options(options: dict) -> dict:
    """The options of a row that decide its results."""
    return {name: value for name, value in options.items() if name not in EXECUTION_OPTIONS}


def names() -> list[str]:
    """The methods that have a file in bench/methods/, without importing them."""
    modules = pkgutil.iter_modules(importlib.import_module("bench.methods").__path__)
    return sorted(module.name for module in modules if not module.ispkg)


def load(row: str, options: dict, setting: Setting | None = None) -> Method:
    """The method of a row, ready to colour; without `setting` it can only say what it is given.

    Raises ValueError for an unknown method, option or `given`, naming the row and the nearest known one, and for a name
    that no row may have.
    """
    own = {key: value for key, value in options.items() if key not in ROW_OPTIONS}
    if not is_name(row):  # results lie under it
        raise ValueError(f"methods.{row}: {NO_NAME.format(name=repr(row), suggested=suggested(row))}")
    try:
        if "precomputed" in options:
            from bench.methods.contract.precomputed import Precomputed

            method = _construct(Precomputed, setting, own | {"folder": options["precomputed"]})
        elif "command" in options:
            from bench.methods.contract.command import Command

            method = _construct(Command, setting, own | {"line": options["command"]})
        else:
            method = _construct(_find(method_of(row, options)), setting, own)
        _check_given(method.given)
    except ValueError as error:
        raise ValueError(f"methods.{row}: {error}") from error
    return method


def method_of(row: str, options: dict) -> str:
    """The name of a row's file in bench/methods."""
    return options.get("method", row.rpartition("+")[2])


def learns(name: str) -> bool:
    """Whether a method makes a model of its own. Raises ValueError for one that there is not."""
    return _find(name).fit is not Method.fit


def is_kind_of(name: str, other: str) -> bool:
    """Whether a method is another or made of it, so that it can take a model of the other. Raises ValueError."""
    return issubclass(_find(name), _find(other))


def refused_by(name: str) -> frozenset[str]:
    """Keys of a training that a method has no use for. Raises ValueError for a method that there is not."""
    return _find(name).refuses


def trained_as(options: dict) -> str | None:
    """What a row's model is called: its training, or its checkpoint file as the configuration names it."""
    return options.get("training") or options.get("checkpoint")


def _find(name: str) -> type[Method]:
    """The one Method class that bench/methods/<name>.py defines."""
    if name not in names():
        raise ValueError(
            f"there is no bench/methods/{name}.py{_did_you_mean(name, names())} "
            f"Expected one of {', '.join(names())}, or the option `method`, `precomputed` or `command`."
        )
    module = importlib.import_module(f"bench.methods.{name}")
    methods = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Method) and value.__module__ == module.__name__
    ]
    if len(methods) != 1:
        raise ValueError(
            f"bench/methods/{name}.py: expected one subclass of bench.methods.contract.method.Method, "
            f"found {len(methods)}"
        )
    return methods[0]


def _construct(method: type[Method], setting: Setting | None, options: dict) -> Method:
    known = [name for name in inspect.signature(method).parameters if name != "setting"]
    for option in options:
        if option not in known:
            raise ValueError(
                f"unknown option {option!r}{_did_you_mean(option, [*known, *ROW_OPTIONS])} "
                f"Expected any of {', '.join([*known, *ROW_OPTIONS])}."
            )
    return method(setting, **options)


def _check_given(given: dict[str, tuple[str, ...]]) -> None:
    for kind, wanted in given.items():
        for word, known in [(kind, KINDS), *((what, GIVEN) for what in wanted)]:
            if word not in known:
                expected = f"Expected any of {', '.join(known)}."
                raise ValueError(f"given: unknown {word!r}{_did_you_mean(word, known)} {expected}")


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f". Did you mean {close[0]!r}?" if close else "."
