"""What was measured on this machine by `python -m plan cost --calibrate`: how many times as long as plan/cost.py says.

The file lies in logs/, beside what else is known about how long jobs took here; whoever deletes results keeps it.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from media.whole import write_whole
from plan.errors import ConfigError

WHERE = Path("logs/costs.json")
LEAST, MOST = 0.02, 50  # what is taken for a factor
Factor = Annotated[float, Field(ge=LEAST, le=MOST)]


@dataclass(frozen=True)
class MachineCosts:
    """Factors of this machine against plan/cost.py."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    on: str = ""  # the day
    machine: str = ""
    start: Factor = 1.0  # of the seconds until a job has begun
    factors: dict[str, Factor] = field(default_factory=dict)  # of the rest, by StageCost.key

    def of(self, key: str) -> float:
        """The factor of what was measured, and of anything else the middle one."""
        return self.factors.get(key, self.typical)

    @property
    def typical(self) -> float:
        return median(self.factors.values()) if self.factors else self.start

    def __str__(self) -> str:
        if not self.on:
            return "costs as measured on two cores of an x86 machine; `--calibrate` measures this one in a few minutes"
        return (
            f"costs measured on this machine on {self.on} ({self.machine}): {self.typical:.2f} times the shipped ones"
        )


SHIPPED = MachineCosts()


def saved(measured: MachineCosts, path: Path = WHERE) -> None:
    """Keep it for later. Raises ConfigError where the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, f"{json.dumps(asdict(measured), indent=1)}\n".encode())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def known_costs(path: Path = WHERE) -> MachineCosts:
    """What was measured on this machine; SHIPPED where nothing was. Raises ConfigError for a file that is damaged."""
    try:
        return TypeAdapter(MachineCosts).validate_json(path.read_bytes())
    except FileNotFoundError:
        return SHIPPED
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error}; delete it, or measure again with --calibrate") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ConfigError(
            f"{path} is not as `python -m plan cost --calibrate` writes it: {where} {first['msg']}; "
            "delete it, or measure again"
        ) from error
