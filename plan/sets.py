"""What there is to know about the sets of clips and photographs: how each is made, in how many jobs, and from what."""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

from media.faults import of_the_machine
from media.jobs import shards_for
from plan.deciding import content, here
from plan.errors import ConfigError, check_name
from plan.reserves import counts_of, with_reserves
from prep.datasets.changes import state_of
from prep.datasets.registry import COLUMNS, Dataset, DatasetError, find_dataset, lists_of, media_folder, read_registry
from prep.datasets.selection import Selection, planned_count, select_all

# Sets of clips that a figure shows and nothing else is made of.
ONLY_SHOWN = ("legacy", "long")


class Sets:
    """The sets of a validated configuration. Kinds are `clips` and `images`; a split is the name of a set.

    Paths begin with `<results>`, which the workflow knows.
    """

    def __init__(self, config: dict, root: Path):
        self.datasets = here(root, config["datasets"])
        try:
            self.registry = read_registry(self.datasets)
        except FileNotFoundError as error:
            raise ConfigError(
                f"config: datasets: there is no {self.datasets}; expected a registry (docs/datasets.md)"
            ) from error
        except DatasetError as error:
            raise ConfigError(f"config: datasets: {error}") from error
        except OSError as error:
            raise ConfigError(
                f"config: datasets: {self.datasets} cannot be read: {error}; expected a registry, a file of "
                "tab-separated values (docs/datasets.md)"
            ) from error
        self.config = config = with_reserves(config, self.registry)
        clips = config["clips"]["sets"]
        self.absent = {split: why for split in ONLY_SHOWN if (why := self._why_absent(clips.get(split)))}
        for split in self.absent:
            del clips[split]
        # Sets of clips are rendered from photographs (prep.renderings) or filmed (prep.clips).
        self.rendered = [split for split, items in clips.items() if items.get("rendered")]
        self.filmed = [split for split in clips if split not in self.rendered]
        self._shards: dict[tuple[str, str], int] = {}
        # A folder is listed once for all that is asked about it, here and in `states`.
        trial = (config.get("trial") or {}).get("items")
        self.select_all = cache(partial(select_all, trial=trial) if trial else select_all)
        self._count_once = cache(self._count)
        for split in self.rendered:
            photos = clips[split]["rendered"]["photos"]
            check_name(f"clips.sets.{split}.rendered.photos", photos, "images.sets", config["images"]["sets"])
        for kind in ("clips", "images"):
            for split, items in config[kind]["sets"].items():
                if items.get("from") == [] and not items.get("rendered"):
                    raise ConfigError(f"config: {kind}.sets.{split}.from is empty; name a dataset and its files.")
        for split, gallery in config["references"]["gallery"].items():
            check_name(f"references.gallery.{split}", gallery, "images.sets", config["images"]["sets"])

    def names(self) -> set[str]:
        """The splits of either kind."""
        return {*self.config["clips"]["sets"], *self.config["images"]["sets"]}

    def filters_of(self, kind: str, split: str) -> dict:
        """The thresholds of a set: its own, on top of those of all."""
        return self.config["filter"] | self.config[kind]["sets"][split].get("filter", {})

    def counts(self, kind: str, split: str) -> dict[str, int]:
        """How many items of each counted dataset a set keeps."""
        return counts_of(self.config[kind]["sets"][split])

    @property
    def all_counts(self) -> dict[str, dict[str, int]]:
        """The same of all sets that have counted datasets, by <kind>/<set>."""
        sets = [(kind, split) for kind in ("clips", "images") for split in self.config[kind]["sets"]]
        return {f"{kind}/{split}": own for kind, split in sets if (own := self.counts(kind, split))}

    def registered(self, items: dict) -> list[str]:
        """The registry's lines for the datasets of a set, as the configuration describes it, and the content of the
        lists that they name.

        A set's job has them among its params, so that the line of another dataset, new or changed, makes nothing again.
        """
        wanted = sorted({selection["dataset"] for selection in items["from"]} & set(self.registry))
        own = [self.registry[name] for name in wanted]
        lines = ["\t".join(getattr(dataset, column) for column in COLUMNS) for dataset in own]
        return lines + [f"list {content(path)}" for dataset in own for path in lists_of(dataset)]

    def states(self, items: dict) -> list[str]:
        """For each selection of a set, as the configuration describes it, a hash of the names, sizes and times of its
        files; empty where they are not there, or not as they should be: who reads them says so. Raises ConfigError for
        a fault of the machine, which must not look like a change.

        A set's job has them among its params, so that a file that was added, replaced or removed makes the set again.
        """
        return [self._state(one["dataset"], one["files"], one.get("reserve", 0)) for one in items["from"]]

    def _state(self, dataset: str, files: str, reserve: int) -> str:
        try:
            return state_of(find_dataset(self.registry, dataset), files, partial(self.listed, reserve=reserve))
        except (DatasetError, OSError) as error:
            if of_the_machine(error):
                raise ConfigError(f"config: dataset {dataset!r} cannot be looked at: {error}") from error
            return ""

    def shards_of(self, kind: str, split: str) -> int:
        """In how many shards a set is prepared; the kind `gallery`: in how many an image set is searched.

        A dataset that is not there yet counts for what the registry says, or for nothing: a plan of it can be shown.
        Raises ConfigError where it is not in the registry, or not as it should be.
        """
        if (kind, split) not in self._shards:
            self._shards[kind, split] = shards_for(self._count(kind, split), self.config["shards"][kind])
        return self._shards[kind, split]

    def shards_of_items(self, kinds: Iterable[str], split: str) -> int:
        """In how many shards a row colours the items of some kinds of a split, and is scored.

        A set that cannot be counted counts for nothing: whoever makes it says why.
        """
        count = 0
        for kind in kinds:
            if split in self.config[kind]["sets"]:
                with suppress(ConfigError):
                    count += self._count_once(kind, split)
        return shards_for(count, self.config["shards"]["rows"])

    def searches_of(self, kind: str, split: str) -> int:
        """In how many shards the references of a set are searched for. Raises ConfigError as `shards_of` does."""
        return shards_for(self._count(kind, split), self.config["shards"]["references"])

    def searched(self, kind: str, split: str) -> dict[str, str | list[str]]:
        """What a search for the references of a set, or of a shard of it, reads."""
        gallery = self.gallery_of(split)
        return {
            "queries": f"<results>/{kind}/{split}.parquet",
            "gallery": self.shard_tables("<results>/gallery", "gallery", gallery),
            "features": self.shard_tables("<results>/gallery", "gallery", gallery, "npy"),
        }

    def references_from(self, kind: str, split: str) -> dict[str, str | list[str]]:
        """What the table of a set's references is made of: a search, or several that are gathered."""
        shards = self.searches_of(kind, split)
        if shards == 1:
            return self.searched(kind, split)
        tables = [f"<results>/shards/references/{kind}/{split}/{shard}.parquet" for shard in range(shards)]
        return {"queries": f"<results>/{kind}/{split}.parquet", "shards": tables}

    def _count(self, kind: str, split: str) -> int:
        section = "clips" if kind == "clips" else "images"
        items = self.config[section]["sets"][split]
        if items.get("rendered"):
            return items["rendered"]["count"]
        try:
            keys = ("dataset", "files", "reserve", "trial")
            wanted = [Selection(**{key: one[key] for key in keys if key in one}) for one in items["from"]]
            return planned_count(self.registry, wanted, self._members)
        except ValueError as error:
            raise ConfigError(f"config: {section}.sets.{split}: {error}") from error

    def _members(self, dataset: Dataset, files: str, reserve: int = 0, **trial: int) -> list:
        try:
            media_folder(dataset)
        except DatasetError:
            return []
        return self.listed(dataset, files, reserve)[0]

    def listed(self, dataset: Dataset, files: str, reserve: int = 0) -> tuple[list, dict[str, str]]:
        """What prep.datasets.selection.select_all gives in this configuration, listed once."""
        return self.select_all(dataset, files, **({"reserve": reserve} if reserve else {}))

    def shard_tables(self, folder: str, kind: str, split: str, suffix: str = "parquet") -> list[str]:
        """The tables of a set's shards, or what lies beside them."""
        return [f"{folder}/{split}/{shard}.{suffix}" for shard in range(self.shards_of(kind, split))]

    def claimed_by_others(self, kind: str, split: str) -> dict[str, list[str]]:
        """The sets whose items this one must not repeat: what is scored first, then what training is judged on.

        Renderings are made of photographs, which are told apart as photographs.
        """
        sets = self.config[kind]["sets"]
        before = {"validation": ["test"], "train": ["test", "validation"]}.get(split, [])
        filmed = [other for other in before if other in sets and not sets[other].get("rendered")]
        return {"claimed": [f"<results>/{kind}/{other}.parquet" for other in filmed]}

    def gallery_of(self, split: str) -> str:
        """The image set that a split's references are searched in."""
        return self.config["references"]["gallery"]["train" if split in ("train", "validation") else "test"]

    def _why_absent(self, items: dict | None) -> str:
        """What to do for a set that is only shown when the folders of its datasets are not there, or have nothing in
        them; empty: it is there.

        Datasets in packages, and those that the registry lacks, are not passed over: who needs them says so.
        """
        own = [self.registry.get(one["dataset"]) for one in (items or {}).get("from", ())]
        roots = [dataset.root for dataset in own if dataset and not dataset.root.startswith("package:")]
        if not roots or len(roots) < len(own) or any(map(_has_something, roots)):
            return ""
        return f"put clips into {' or '.join(dict.fromkeys(roots))} and run again"

    def absence(self, split: str) -> dict[str, str]:
        """For the flags of a figure: what to do for its set, which is not there; none where it is."""
        return {"absent": self.absent[split]} if split in self.absent else {}

    def shown(self, split: str) -> str:
        """The table of a set of clips that is only shown. Raises ConfigError where there is no such set."""
        if split not in self.config["clips"]["sets"]:
            raise ConfigError(
                f"config: there is no set of clips {split!r} to show; put one under clips.sets, such as "
                f"`{split}: {{from: [{{dataset: <name in the registry>, files: <glob>}}]}}`. See config/README.md."
            )
        return f"<results>/clips/{split}.parquet"


def _has_something(root: str) -> bool:
    """Whether anything visible lies below a folder; also where it cannot be looked at: who reads it says so."""
    folder = Path(root).expanduser()
    try:
        return any(path.name[0] != "." for path in folder.iterdir()) if folder.is_dir() else folder.exists()
    except OSError:
        return True
