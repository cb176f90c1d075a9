"""The rows and trainings of a configuration: what each is, what it is given, and where its model comes from."""

from collections.abc import Iterable
from pathlib import Path

from bench.methods.contract.method import Method
from bench.methods.contract.rows import is_kind_of, learns, load, method_of, names, refused_by
from colorize.release_files import RELEASE_NAME, model_at
from colorize.settings import LossWeights, TrainSettings
from plan.choosing import Network, as_run, check_trained, content_of_model, network_of, removed, width_of_model
from plan.deciding import here
from plan.errors import ConfigError, check_name, did_you_mean
from plan.reading import default_order, with_full_names
from plan.sets import Sets
from plan.trial import made_small
from plan.validation import validate

# What the rows may be given that colour clips only for a figure.
SOURCES = {"multimodal": ("reference",), "legacy": ("reference",), "long": ("reference", "first_frame")}


class Rows:
    """The rows and trainings of a configuration that can be run. Raises ConfigError for one that cannot."""

    def __init__(self, config: dict, root: Path):
        validate(config)
        self.root, self.removed = root, removed(config)
        self._preferring = {row for row, own in config["methods"].items() if own and "prefer" in own}
        self.config, self.weights_dir = settled(as_run(config, root)), root / config["weights"]
        self.sets = Sets(self.config, root)
        self.config = self.sets.config
        # What can be trained and coloured: what is configured, and the rows of Table 5, which colour photographs alone.
        self.trainings: dict[str, dict] = dict(self.config["training"])
        self.rows: dict[str, dict] = {}
        self._methods: dict[str, Method] = {}
        for row, options in self.config["methods"].items():
            self._add(row, options, f"methods.{row}")
        self._add_ablations()
        self.plus_rows = self._add_post_processed()
        self._check_names()

    def _add(self, row: str, options: dict, place: str) -> None:
        """Take a row in that is configured at a place, with its method, which says what it is given."""
        if {"precomputed", "command"} <= set(options):
            raise ConfigError(f"config: {place} has both 'precomputed' and 'command'; keep one of them.")
        try:
            self._methods[row] = load(row, options)
        except ValueError as error:
            raise ConfigError(f"config: {error}") from error
        except Exception as error:  # whatever can go wrong in a file that somebody adds
            file = "" if {"precomputed", "command"} & set(options) else f"bench/methods/{method_of(row, options)}.py: "
            raise ConfigError(f"config: {place}: {file}{type(error).__name__}: {error}") from error
        self.rows[row] = options
        if "training" in options:
            known = [*self.config["training"], *self.config["ablations"]["rows"]]
            check_name(f"{place}.training", options["training"], "training", known, self.removed["training"])
        if "training" in options and "checkpoint" in options:
            raise ConfigError(f"config: {place} names both a 'training' and a 'checkpoint'; keep one of them.")
        if not {"precomputed", "command"} & set(options):
            self._check_model(method_of(row, options), options, place)

    def _check_model(self, method: str, options: dict, place: str) -> None:
        """A row's model is one that its method can take, as far as its name says it."""
        if options.get("training") in self.trainings:
            check_trained(method, options["training"], self.trainings, place)
        checkpoint = options.get("checkpoint")
        if checkpoint is not None and not checkpoint.strip():
            raise ConfigError(
                f"config: {place}.checkpoint is empty; name a file or a folder, {RELEASE_NAME!r}, or leave it out."
            )
        is_release = checkpoint and (checkpoint == RELEASE_NAME or (self.root / checkpoint).is_dir())
        if is_release and not is_kind_of(method, "ours"):
            raise ConfigError(
                f"config: {place}.checkpoint is {checkpoint!r}, the files of the published model, which the method "
                f"'ours' takes, not {method!r}; give the row `method: ours`, or a file of a training of its own."
            )

    def _add_ablations(self) -> None:
        """A training and a row for each line of Table 5 but that of the full model."""
        of, rows = self.config["ablations"]["of"], self.config["ablations"]["rows"]
        self._check_row("ablations.of", of)
        if of in self._preferring and not self.training_of(of):
            raise ConfigError(
                f"config: ablations.of names the row {of!r}, which prefers a published network whose file is in "
                f"{self.weights_dir}, and so has no training here whose losses could be changed; take its `prefer` "
                "out, or name another row."
            )
        if self.training_of(of) not in self.config["training"]:
            raise ConfigError(
                f"config: ablations.of names the row {of!r}, which has no 'training' whose losses could be changed."
            )
        for row, changes in rows.items():
            for place in ("methods", "training"):
                if row in self.config[place]:
                    raise ConfigError(
                        f"config: ablations.rows.{row} has the name of an entry under {place!r}; call it otherwise."
                    )
            self.trainings[row] = self._ablated(row, changes["losses"])
            own = {"training": row, "given": {"images": ["reference"]}}
            self._add(row, {"method": of, **self.rows[of], **own}, f"ablations.rows.{row}")

    def _ablated(self, row: str, losses: dict) -> dict:
        """The training of an ablation: that of the full model, with the ablation's own weights of losses."""
        whole = self.trainings[self.training_of(self.full_row)]
        own = whole.get("losses", {})
        if LossWeights(**own | losses) == LossWeights(**own):
            raise ConfigError(
                f"config: ablations.rows.{row}.losses is {losses}, which is what ablations.of has already; give a loss "
                "another weight (0 leaves it out), or take the ablation out."
            )
        return whole | {"losses": own | losses}

    def _add_post_processed(self) -> dict[str, str]:
        """Flicker of Table 1 after a post-processor: one more row for each that colours clips by a method of its own.

        Returns these rows, each with the row whose results it works on.
        """
        plus = self.config["flicker_plus"]
        if not plus:
            return {}
        check_name("flicker_plus.method", plus["method"], "bench/methods", names())
        rows = {
            f"{row}+{plus['method']}": row
            for row, options in self.config["methods"].items()
            if "clips" in self.given_to(row) and "precomputed" not in options and "+" not in row
        }
        for row in rows:
            self._add(row, plus, "flicker_plus")
            if "processed" not in self.given_to(row).get("clips", ()):
                raise ConfigError(
                    f"config: flicker_plus names {plus['method']!r}, which is no post-processor: it works on no other "
                    "row's results. Expected one such as 'lai2018' or 'bonneel2015', or null."
                )
        return rows

    def _check_names(self) -> None:
        """Whatever else names a row names one that there is, and that can do what is wanted of it."""
        for row in self.rows:
            if "processed" in self.given_to(row).get("clips", ()):
                self.processed_by(row)
        for training, own in self.config["training"].items():
            check_name(f"training.{training}.method", own["method"], "bench/methods", names())
            if not learns(own["method"]):
                raise ConfigError(
                    f"config: training.{training}.method is {own['method']!r}, which does not learn: its file has no "
                    "`fit`. Take the training out, or name a method that learns, such as 'ours'."
                )
            for row in own.get("recolored", []):
                self._check_row(f"training.{training}.recolored", row)
        for training, own in self.trainings.items():
            _check_keys_of_network(training, own)
        self._check_datasets()
        for figure, sources in SOURCES.items():
            for row in self.config["figures"][figure]["rows"]:
                self._check_row(f"figures.{figure}.rows", row)
                if not set(sources) & set(self.given_to(row).get("clips", ())):
                    raise ConfigError(
                        f"config: figures.{figure} shows clips that are coloured with a {' or '.join(sources)}, but "
                        f"the row {row!r} is not given one for clips; choose a row that is."
                    )

    def _check_row(self, place: str, row: str) -> None:
        check_name(place, row, "methods", self.config["methods"], self.removed["methods"])

    def _check_datasets(self) -> None:
        """The tables are about datasets that there are test clips of."""
        test = self.config["clips"]["sets"]["test"]
        known = ["renderings"] if test.get("rendered") else [one["dataset"] for one in test["from"]]
        for table, datasets in self.config["clips_of"].items():
            for name in datasets:
                check_name(f"clips_of.{table}", name, "clips.sets.test", known)

    def given_to(self, row: str) -> dict[str, tuple[str, ...]]:
        """What a row's method is given for each kind of item (bench.methods.contract.method)."""
        return self._methods[row].given

    def uses_device(self, row: str) -> bool:
        """Whether a row's networks run on the configuration's `device`."""
        return self._methods[row].uses_device

    def code_of(self, row: str) -> str:
        """The file that colours a row, from the root of the repository."""
        return type(self._methods[row]).__module__.replace(".", "/") + ".py"

    def training_of(self, row: str) -> str | None:
        """The training that a row waits for."""
        return self.rows[row].get("training")

    def trainings_of(self, rows: Iterable[str]) -> dict[str, dict]:
        """The trainings that rows need, in the order of the configuration: their own, and those of the rows that these
        learn to correct."""
        waiting, wanted = list(rows), set()
        while waiting:
            name = self.training_of(waiting.pop())
            if name and name not in wanted:
                wanted.add(name)
                waiting += self.trainings[name].get("recolored", [])
        return {name: own for name, own in self.trainings.items() if name in wanted}

    def machines_of(self, training: str) -> dict[str, int]:
        """What a training runs on: `nodes`, and on each of them `processes` (a GPU each) and CPU `cores`.

        Each process has threads of its own, and more processes that load its samples.
        """
        own = self.trainings[training]
        keys = ("nodes", "processes", "threads", "workers")
        nodes, processes, threads, workers = (own.get(key, TrainSettings.model_fields[key].default) for key in keys)
        return {"nodes": nodes, "processes": processes, "cores": processes * (threads + workers)}

    def checkpoint_of(self, row: str) -> str | None:
        """The file of a row's model: that of its training, or the one that it names, counted from the Snakefile."""
        if training := self.training_of(row):
            return f"<results>/train/{training}/model.safetensors"
        return here(self.root, str(self._model_at(row))) if "checkpoint" in self.rows[row] else None

    def _model_at(self, row: str) -> Path:
        return model_at(self.rows[row]["checkpoint"], self.root, self.weights_dir)

    def width_of(self, row: str) -> float:
        """The width of a row's model: that of its training, or of the checkpoint that it names; otherwise 1."""
        return width_of_model(self.rows[row], self.trainings, self.root, self.weights_dir)

    def named_checkpoint(self, row: str) -> dict[str, str]:
        """The checkpoint that a row names, for the flags of its job; none if it has a training or no model.

        It is no input, because its path and time say nothing: its content is a parameter (`content_of_checkpoint`).
        """
        return {"checkpoint": self.checkpoint_of(row)} if "checkpoint" in self.rows[row] else {}

    def content_of_checkpoint(self, row: str) -> str:
        """What decides a row's numbers of the model that it does not train, with the SHA-256 of its files: of its
        checkpoint, or of its authors' network; empty for none. Raises ConfigError."""
        return content_of_model(row, self.rows[row], self.root, self.weights_dir)

    def network_of(self, row: str) -> Network | None:
        """Where the network of a row comes from whose method has published weights."""
        return network_of(row, self.rows[row], self.weights_dir)

    def processed_by(self, row: str) -> str:
        """The row whose results a post-processor works on: what stands in front of the last `+` of its name."""
        other = row.rpartition("+")[0]
        check_name(f"methods.{row}", other, "methods", [other], self.removed["methods"])
        known = [one for one in self.rows if one != row and "clips" in self.given_to(one)]
        if other not in known:
            raise ConfigError(
                f"config: methods.{row} is a post-processor, so its name has to be `<row>+<post-processor>` with a row "
                f"that colours clips, not {other!r}; {did_you_mean(other, known)}"
            )
        return other

    @property
    def full_row(self) -> str:
        """The row of Table 5 whose losses the others change."""
        return self.config["ablations"]["of"]

    @property
    def table1_rows(self) -> list[str]:
        methods = self.config["methods"]
        return [*methods, *(row for row in self.plus_rows if row not in methods)]


def _check_keys_of_network(training: str, own: dict) -> None:
    """A row with a network of its own refuses keys about the paper's model: before anything is prepared for it."""
    if strange := sorted(refused_by(own["method"]) & set(own)):
        raise ConfigError(
            f"config: training.{training} has the key {strange[0]!r}, for which the method {own['method']!r} has no "
            "use; take it out. Such keys are about the paper's own model and its losses (docs/trained-rows.md)."
        )


def settled(config: dict) -> dict:
    """A configuration as the rules read it: full names, no empty sets, an overlay's rows after those of the default,
    and small where it is a trial."""
    clips = config["clips"]
    there = {split: items for split, items in clips["sets"].items() if items is not None}
    methods = config["methods"]
    order = [row for row in default_order() if row in methods]
    methods = {row: methods[row] for row in [*order, *methods]}
    return made_small(with_full_names(config) | {"clips": clips | {"sets": there}, "methods": methods})
