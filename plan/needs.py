"""What jobs need that no job makes: datasets, weight files of other people and checkpoints; and whether it is there.

Nothing is fetched or loaded.
"""

import shlex
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from os.path import lexists
from pathlib import Path

from bench.methods.contract.rows import load
from bench.methods.weights.published import FILES, OF_CHOICE
from bench.run.setting import setting_of
from colorize.metadata import metadata
from colorize.release_files import kind_named, model_at, release_paths
from media.faults import of_the_machine
from plan.choosing import lacks_release
from plan.errors import ConfigError
from plan.pipeline import Plan
from prep.datasets.lists import DatasetError
from prep.datasets.registry import find_dataset, media_folder
from vision.network_files import OF_BACKBONE, RAFT_FILES, checkpoints_of
from vision.weights import ALEXNET, MisfitWeights, MissingWeights, WeightFile, check_kind, is_present

# The commands that get what may be downloaded.
FETCH_DATASET, FETCH_WEIGHTS = "python -m prep fetch", "python -m bench weights --fetch"

MISSING = "missing"  # the fault of what is simply not there


@dataclass(frozen=True)
class Need:
    """Something that jobs need and no job makes."""

    kind: str  # datasets, weights or checkpoints
    name: str
    where: str  # it lies or has to lie
    files: str = ""  # of a dataset: a glob
    size: str = ""
    origin: str = ""
    fault: str = ""  # why it cannot be used; empty: it can


class Needs:
    """What the jobs, the rows and the whole of a plan need. Raises ConfigError for a fault of the machine."""

    def __init__(self, plan: Plan):
        self.plan, self.config, self.sets = plan, plan.config, plan.sets
        self.weights_dir = plan.root / plan.config["weights"]
        self._of_files = cache(self._look_at_files)
        self._of_weights = cache(self._look_at_weights)
        self._of_checkpoint = cache(self._look_at_checkpoint)

    def of_jobs(self, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> list[Need]:
        """What jobs need, each thing once. jobs: the rule of each, and what its wildcards stand for."""
        of_rule = {
            "sources": lambda own: self._of_set(own["kind"], own["split"]),
            "clips": lambda own: self._of_set("clips", own["filmed"]),
            "images": lambda own: self._of_set("images", own["split"]),
            "gallery": lambda own: self._of_gallery(own["gallery"]),
            "references": lambda own: self._of_search(),
            "references_shard": lambda own: self._of_search(),
            "flow": lambda own: self._of_flow(own["estimator"]),
            "train": lambda own: self._of_fit(own["training"]),
            "colorize": lambda own: self._of_coloring(own["row"]),
            "recolor": lambda own: self._of_coloring(own["row"]),
            "colorize_shown": lambda own: self._of_coloring(own["row"]),
            "truth": lambda own: self._of_choices("fid_features"),
            "score": lambda own: self._of_choices("classifier", "fid_features"),
            "figure4": lambda own: self._of_choices("backbone"),
        }
        named = [(rule.removesuffix("_shard"), own) for rule, own in jobs]
        return _once(need for rule, own in named if rule in of_rule for need in of_rule[rule](own))

    def of_all(self) -> list[Need]:
        """What all tables and figures need, each thing once."""
        shown = [split for split in self.config["clips"]["sets"] if split not in ("test", "train", "validation")]
        needs = [need for row in self.plan.rows for need in self.of_row(row)]
        needs += [need for name in self.plan.trainings_of(self.plan.rows) for need in self._of_training(name)]
        needs += [need for split in shown for need in self._of_set("clips", split)]
        return _once([*needs, *self.of_scores()])

    def of_scores(self) -> list[Need]:
        """What scoring needs besides what is scored."""
        return _once([*self._of_flow(self.config["scoring_flow"]), *self._of_choices("classifier", "fid_features")])

    def of_choice(self, key: str) -> list[Need]:
        """What the network or flow needs that a key of the configuration names."""
        return list(self._of_flow(self.config[key])) if "flow" in key else self._of_choices(key)

    def of_row(self, row: str) -> list[Need]:
        """What a row's results need, each thing once: also what comes before, such as a training, but not scoring."""
        training = self.plan.training_of(row)
        before = self._of_training(training) if training else ()
        return _once([*self._of_inputs(row, "test", ("clips", "images")), *before, *self._of_coloring(row)])

    def why_not(self, row: str) -> str:
        """Why a row cannot be coloured though nothing is missing: its items would be skipped, or fail one by one."""
        options = self.plan.rows[row]
        try:
            if reason := load(row, options, setting_of(options, self.config)).skip():
                return reason
        except Exception as error:  # whatever can go wrong in a file that somebody adds
            return f"{type(error).__name__}: {error}"
        folder = options.get("precomputed", "")
        above = Path(folder.partition("{")[0].rpartition("/")[0] if "{" in folder else folder)
        if folder and "{results}" not in folder and not above.is_dir():
            return f"there is no folder {above} of coloured frames"
        program = program_of(options.get("command", ""))
        return f"its program {program!r} is not installed" if program and not _is_command(program) else ""

    def is_trained_anew(self, row: str) -> bool:
        """Whether a row has a training although there are weights of its authors."""
        return bool(self.plan.training_of(row) and self.plan.network_of(row))

    def lacks_lpips(self) -> bool:
        """Whether the column LPIPS will be left out."""
        return not is_present(ALEXNET, self.weights_dir)

    def count(self, dataset: str, needs: Iterable[Need]) -> int:
        """How many files of a dataset the needs are; it is there."""
        registered = find_dataset(self.sets.registry, dataset)
        names: set[str] = set()
        for need in needs:
            names.update(member.name for member, _ in self.sets.select_all(registered, need.files)[0])
        return len(names)

    def _of_set(self, kind: str, split: str) -> Iterator[Need]:
        """The files that a set is made of; none for a set that is not there."""
        items = self.config[kind]["sets"].get(split) or {}
        if items.get("rendered"):
            yield from self._of_set("images", items["rendered"]["photos"])
        else:
            yield from (self._of_files(one["dataset"], one["files"]) for one in items.get("from", ()))

    def _of_gallery(self, gallery: str) -> list[Need]:
        return [*self._of_set("images", gallery), *self._of_choices("backbone")]

    def _of_search(self) -> list[Need]:
        predicts = self.config["references"]["within"] != "everywhere"
        return self._of_choices("backbone", *(["classifier"] if predicts else []))

    def _of_training(self, training: str) -> Iterator[Need]:
        """What a training needs, and what comes before it."""
        for kind in ("clips", "images"):
            for split in ("train", "validation"):
                yield from self._of_set(kind, split)
        yield from self._of_flow(self.config["flow"])
        yield from [*self._of_gallery(self.sets.gallery_of("train")), *self._of_search(), *self._of_fit(training)]
        for row in self.plan.trainings[training].get("recolored", ()):
            yield from self._of_inputs(row, "train", ("clips",))
            yield from self._of_training(self.plan.training_of(row)) if self.plan.training_of(row) else ()
            yield from self._of_coloring(row)

    def _of_inputs(self, row: str, split: str, kinds: tuple[str, ...]) -> Iterator[Need]:
        """What a row's job reads, but for its model, and what comes before that."""
        given = self.plan.given_to(row)
        for kind in kinds:
            yield from self._of_set(kind, split)
        if any("reference" in given.get(kind, ()) for kind in kinds):
            yield from [*self._of_gallery(self.sets.gallery_of(split)), *self._of_search()]
        if "flow" in given.get("clips", ()):
            yield from self._of_flow(self.config["flow"])
        if "processed" in given.get("clips", ()):
            yield from self.of_row(self.plan.processed_by(row))

    def _of_fit(self, training: str) -> list[Need]:
        uses = load(training, {"method": self.plan.trainings[training]["method"]}).uses_backbone
        return self._of_choices("backbone") if "fit" in uses else []

    def _of_coloring(self, row: str) -> list[Need]:
        """The networks of a row itself; those of a row that is skipped do not matter."""
        options = self.plan.rows[row]
        if lacks_release(options, self.weights_dir):
            return []
        uses = "colorize" in load(row, options).uses_backbone
        if "checkpoint" in options:
            return self._of_checkpoint(options["checkpoint"], uses)
        network = self.plan.network_of(row)
        own = [file for file in FILES if network and file.name == network.published]
        backbone = self._of_choices("backbone") if uses and not self.why_not(row) else []
        return [*map(self._of_weights, own), *backbone]

    def _look_at_checkpoint(self, named: str, uses_backbone: bool) -> list[Need]:
        """A checkpoint that rows name, and its backbone; of the published model its files."""
        path, backbone, fault = model_at(named, self.plan.root, self.weights_dir), "", ""
        try:
            if path.is_dir():
                for file in release_paths(path, self.weights_dir):
                    check_kind(file)
            elif path.is_file():
                backbone = metadata(path)["backbone"]
            elif not path.exists():
                fault = f"there is no such {kind_named(named)}"
        except (MissingWeights, MisfitWeights) as error:
            fault = str(error)
        return [
            Need("checkpoints", named, str(path), fault=fault),
            *(self._of_networks(backbone) if uses_backbone else ()),
        ]

    def _of_choices(self, *choices: str) -> list[Need]:
        """The files of networks that keys of the configuration name."""
        return [need for choice in choices for need in self._of_networks(self.config[choice])]

    def _of_networks(self, name: str) -> list[Need]:
        return [self._of_weights(file) for file in OF_BACKBONE.get(name, ())]

    def _of_flow(self, estimator: str) -> list[Need]:
        kind, _, model = estimator.partition(":")
        if kind != "ptlflow":
            return [self._of_weights(RAFT_FILES[kind])] if kind in RAFT_FILES else []
        there, own = checkpoints_of(model, self.weights_dir), f"{model}.ckpt"
        if not there and estimator in OF_CHOICE:
            return [self._of_weights(OF_CHOICE[estimator])]
        name = own if own in there or not there else " and ".join(sorted(there))
        fault = MISSING if not there else "" if name == own or len(there) == 1 else "leave one of them there"
        origin = f"whoever publishes the model {model} of ptlflow"
        return [Need("weights", name, str(self.weights_dir / name), origin=origin, fault=fault)]

    def _look_at_files(self, name: str, files: str) -> Need:
        fault = ""
        try:
            dataset = find_dataset(self.sets.registry, name)
            media_folder(dataset)
            self.sets.select_all(dataset, files)
        except (DatasetError, OSError) as error:
            if of_the_machine(error):
                raise ConfigError(f"config: dataset {name!r} cannot be looked at: {error}") from error
            fault = str(error)
        known = self.sets.registry.get(name)
        if known is None:
            return Need("datasets", name, "", files, fault=fault)
        if not known.root.startswith("package:") and not Path(known.root).expanduser().exists():
            fault = MISSING
        return Need(
            "datasets", name, known.root, files, f"{int(known.count):,} files" if known.count else "", "", fault
        )

    def _look_at_weights(self, file: WeightFile) -> Need:
        path, fault = self.weights_dir / file.name, ""
        if not is_present(file, self.weights_dir):
            fault = MISSING
        elif lexists(path):
            try:
                check_kind(path)
            except MisfitWeights as error:
                fault = str(error)
        return Need("weights", file.name, str(path), size=file.size, origin=file.origin, fault=fault)


def _once(needs: Iterable[Need]) -> list[Need]:
    return list(dict.fromkeys(needs))


def program_of(line: str) -> str:
    """The program with which a shell line begins; empty where the line alone does not say it."""
    try:
        first = next(iter(shlex.split(line)), "")
    except ValueError:
        return ""
    return "" if set(first) & set("{}()=$;&|<>`*?~") else first


def _is_command(word: str) -> bool:
    """Whether the shell knows a word: a program, or one of its own."""
    return subprocess.run(["sh", "-c", 'command -v -- "$0"', word], capture_output=True).returncode == 0
