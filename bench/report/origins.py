"""How each number of the report was made: the sidecars of its inputs and of theirs, copied into it and linked."""

import json
from dataclasses import dataclass
from pathlib import Path

from media.names import address
from media.provenance import SUFFIX, own_sidecar

COPIES = "provenance"  # the folder of the copies


@dataclass(frozen=True)
class Origin:
    """A sidecar as the page shows it."""

    name: str  # of the artefact, relative to the results
    record: dict

    @property
    def anchor(self) -> str:
        return f"made-{self.name.replace('/', '-')}"

    @property
    def copy(self) -> str:
        return f"{COPIES}/{self.name}{SUFFIX}"


class Origins:
    """The sidecars that artefacts have, and those of everything that these were made of."""

    def __init__(self, artifacts: list[Path], results: Path):
        self.results = results.resolve()
        self.by_sidecar: dict[Path, Origin] = {}
        for artifact in artifacts:
            self._follow(own_sidecar(artifact).get("provenance"))

    def _follow(self, sidecar: str | None) -> None:
        path = Path(sidecar or "").resolve()
        if path in self.by_sidecar or not path.is_file():
            return
        record = json.loads(path.read_text())
        for source in record["inputs"]:
            self._follow(source.get("provenance"))
        self.by_sidecar[path] = Origin(self._name(path), record)

    def _name(self, sidecar: Path) -> str:
        inside = sidecar.is_relative_to(self.results)
        path = sidecar.relative_to(self.results) if inside else Path(sidecar.name)
        return path.as_posix().removesuffix(SUFFIX)

    def of(self, artifact: Path) -> Origin | None:
        """The origin of a file or folder; None where its stage left no record."""
        return self.linked(own_sidecar(artifact))

    def linked(self, source: dict) -> Origin | None:
        """The origin of an input as a record lists it."""
        return self.by_sidecar.get(Path(source["provenance"]).resolve()) if "provenance" in source else None

    def links(self, artifacts: dict[str, Path]) -> dict[str, str]:
        """Where on the page the origin of each artefact stands, by the artefacts' names, of those that have one."""
        origins = {name: self.of(path) for name, path in artifacts.items()}
        return {name: f"#{address(origin.anchor)}" for name, origin in origins.items() if origin}

    def write(self, folder: Path) -> None:
        """Copy every record."""
        for origin in self.by_sidecar.values():
            copy = folder / origin.copy
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(json.dumps(origin.record, sort_keys=True, indent=1) + "\n")
