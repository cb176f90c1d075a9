"""What stops a run before it starts: a configuration that cannot be used, and the hint at what was meant."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps


class ConfigError(ValueError):
    """The configuration cannot be used; the message names the key, what is wrong and what was expected."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint of a message about a word that is not among the known ones."""
    known = sorted(map(str, known))
    near = get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}."


def check_name(place: str, name: str, where: str, known: Iterable[str], removed: Iterable[str] = ()) -> None:
    """Raise ConfigError where a key (`place`) names something that is not under another key (`where`).

    removed: names that are null there, which takes them out.
    """
    if name in removed:
        raise ConfigError(
            f"config: {place} names {name!r}, which `{where}.{name}: null` takes out; name another, or leave it in."
        )
    if name not in known:
        raise ConfigError(f"config: {place} names {name!r}, which is not under {where!r}; {did_you_mean(name, known)}")


def or_else(stop: Callable[[str], None], function: Callable) -> Callable:
    """The same function, that calls `stop` with the message of a ConfigError instead of raising it."""

    @wraps(function)
    def stopping(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except ConfigError as error:
            stop(str(error))

    return stopping
