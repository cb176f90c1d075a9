"""Where datasets can be had: downloads.tsv beside the registry, an address for a program or the steps for a person.

`docs/datasets.md` explains the columns.
"""

import csv
from pathlib import Path

from pydantic import BaseModel, NonNegativeInt, ValidationError, model_validator

from media.text import WrongEncoding, read_text
from prep.datasets.lists import DatasetError
from prep.datasets.registry import Dataset


class Offer(BaseModel, extra="forbid", frozen=True):
    """One line of the table: an archive that a program may fetch, or what a person has to do."""

    datasets: str  # names in the registry, with spaces between
    address: str = ""
    size: str = ""  # for people
    sha256: str = ""
    md5: str = ""
    inside: str = ""  # the folder of the archive that becomes the dataset's root
    most_bytes: NonNegativeInt = 0  # the archive, and what it comes to
    most_files: NonNegativeInt = 0
    source: str = ""  # where these facts are from
    by_hand: str = ""  # steps with ` | ` between; {root} is the dataset's folder, {above} the one above

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, cells: dict) -> dict:
        return {column: cell for column, cell in cells.items() if cell}

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Offer":
        if bool(self.address) == bool(self.by_hand):
            raise ValueError("expected an address, or steps by hand, and not both")
        if self.address and not (self.most_bytes and self.most_files):
            raise ValueError("an address needs most_bytes and most_files")
        return self

    def steps(self, root: Path) -> list[str]:
        """What a person has to do, step by step."""
        text = self.by_hand.replace("{root}", str(root)).replace("{above}", str(root.parent))
        return text.split(" | ")


def offer_of(dataset: Dataset) -> Offer | None:
    """Where a dataset can be had, if that is known. Raises DatasetError for a table that makes no sense."""
    path = dataset.registry.with_name("downloads.tsv")
    if not path.exists():
        return None
    try:
        lines = read_text(path).splitlines()
        offers = [Offer(**row) for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    except (WrongEncoding, TypeError) as error:
        raise DatasetError(f"{path}: expected tab-separated values (docs/datasets.md): {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors())
        raise DatasetError(f"{path}: {wrong} (docs/datasets.md)") from error
    return next((offer for offer in offers if dataset.name in offer.datasets.split()), None)
