"""What the rows, trainings, tables and figures of a configuration are, and what each of them needs."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from bench.methods.contract.method import Method
from bench.methods.contract.rows import learns, load, method_of, names
from colorize.settings import LossWeights
from plan import choosing
from plan.deciding import here
from plan.errors import ConfigError, check_name, did_you_mean
from plan.reading import default_order, with_full_names
from plan.sets import Sets
from plan.trial import made_small
from plan.validation import validate

# The keys that tables and figures tell of (bench.stand_ins).
CHOICES = ("backbone", "classifier", "fid_features", "flow", "scoring_flow")
# Figures 11 to 14 show a test clip each, with so many references.
MULTIMODAL = ("11", "12", "13", "14")
MULTIMODAL_REFERENCES = 5
# The figures about a set of clips that a configuration may have or not, with what their rows may be given.
SHOWN = {"15": "legacy", "16": "long"}
SOURCES = {"multimodal": ("reference",), "legacy": ("reference",), "long": ("reference", "first_frame")}


class Plan:
    """A configuration that can be run. Raises ConfigError for one that cannot.

    What stages are given is what was written, not what a model makes of it: 1 stays 1 and does not become 1.0, so a job
    is not made again for a spelling. Paths begin with `<results>`, which the workflow knows.
    """

    def __init__(self, config: dict, root: Path):
        validate(config)
        self.root, self.removed = root, choosing.removed(config)
        self.config, self.weights_dir = settled(choosing.as_run(config, root)), root / config["weights"]
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

    def _add_ablations(self) -> None:
        """A training and a row for each line of Table 5 but that of the full model."""
        of, rows = self.config["ablations"]["of"], self.config["ablations"]["rows"]
        self._check_row("ablations.of", of)
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
        self._check_datasets()
        for figure, sources in SOURCES.items():
            for row in self.shown_rows(figure):
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

    def checkpoint_of(self, row: str) -> str | None:
        """The file of a row's model: that of its training, or the one that it names, counted from the Snakefile."""
        if training := self.training_of(row):
            return f"<results>/train/{training}/model.safetensors"
        named = self.rows[row].get("checkpoint")
        return here(self.root, str(choosing.model_at(named, self.root, self.weights_dir))) if named else None

    def width_of(self, row: str) -> float:
        """Of a row's model, as a share of the paper's channels."""
        return choosing.width_of(self.rows[row], self.trainings, self.root, self.weights_dir)

    def named_checkpoint(self, row: str) -> dict[str, str]:
        """The checkpoint that a row names, for the flags of its job; none if it has a training or no model.

        It is no input, because its path and time say nothing: its content is a parameter (`content_of_checkpoint`).
        """
        return {"checkpoint": self.checkpoint_of(row)} if "checkpoint" in self.rows[row] else {}

    def content_of_checkpoint(self, row: str) -> str:
        """What decides a row's numbers of the model that it does not train, with the SHA-256 of its files: of its
        checkpoint, or of its authors' network; empty for none. Raises ConfigError."""
        return choosing.content_of_model(row, self.rows[row], self.root, self.weights_dir)

    def network_of(self, row: str) -> choosing.Network | None:
        """Where the network of a row comes from whose method has published weights."""
        return choosing.network_of(row, self.rows[row], self.weights_dir)

    @property
    def networks(self) -> dict[str, dict[str, str]]:
        """`network_of` of the rows of Table 1 that have one, for its job."""
        own = {row: self.network_of(row) for row in self.table1_rows}
        return {row: asdict(network) for row, network in own.items() if network}

    @property
    def devices(self) -> dict[str, str]:
        """Where the networks of each row of Table 1 run."""
        return {row: self.config["device"] if self.uses_device(row) else "cpu" for row in self.table1_rows}

    @property
    def choices(self) -> dict:
        """What was chosen where the paper's choice may be another, whether all is a trial, and how many items of a
        dataset are wanted (bench.stand_ins.Choices)."""
        chosen = {key: self.config[key] for key in CHOICES} | {"own_backbones": self._own_backbones}
        trial = {"trial": self.config["trial"]} if self.config["trial"] else {}
        return chosen | trial | {"counts": self.sets.all_counts}

    @property
    def _own_backbones(self) -> dict[str, str]:
        """The network on whose features a row's checkpoint works, for rows where it is not the configuration's."""
        rows = {row: choosing.backbone_of_model(own, self.root, self.weights_dir) for row, own in self.rows.items()}
        return {row: name for row, name in rows.items() if name not in ("", self.config["backbone"])}

    def models_of(self, rows: list[str], trained: list[str]) -> list[str]:
        """The models of rows, in their order: the files that they name, and `trained`, those of their trainings."""
        files = iter(trained)
        return [next(files) if self.training_of(row) else self.checkpoint_of(row) for row in rows]

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

    def inputs_for(self, row: str, split: str, kinds: tuple[str, ...] = ("clips", "images")) -> dict[str, str]:
        """What a row's job reads: the sets of a split, and only those extras that its method asks for."""
        given = self.given_to(row)
        needs = {kind: f"<results>/{kind}/{split}.parquet" for kind in kinds}
        if "clips" in kinds and "flow" in given.get("clips", ()):
            needs["flow"] = self.flow_table(split)
        for kind in kinds:
            if "reference" in given.get(kind, ()):
                needs[f"{kind.removesuffix('s')}_references"] = f"<results>/references/{kind}/{split}.parquet"
        if "clips" in kinds and "processed" in given.get("clips", ()):
            needs["processed"] = f"<results>/colorize/{self.processed_by(row)}.parquet"
        if self.training_of(row):
            needs["checkpoint"] = self.checkpoint_of(row)
        return needs

    def flow_table(self, split: str) -> str:
        """The flow that rows and trainings are given for a set of clips."""
        return f"<results>/flow/{self.config['flow']}/{split}.parquet"

    def validation_clips(self) -> dict[str, str]:
        """The clips on which checkpoints are chosen, with their flow; none where the configuration has none."""
        if "validation" not in self.config["clips"]["sets"]:
            return {}
        clips = "<results>/clips/validation.parquet"
        return {"validation_clips": clips, "validation_flow": self.flow_table("validation")}

    def recolored_for(self, training: str) -> list[str]:
        """What rows make of the training clips, for a training that learns to correct them (`recolored`)."""
        return [f"<results>/recolored/{row}.parquet" for row in self.trainings[training].get("recolored", [])]

    def colorized_by_rank(self, row: str) -> list[str]:
        """A row's tables of the test clips by rank of reference, from 1 on; only that of rank 1 is scored."""
        ranks = range(2, min(MULTIMODAL_REFERENCES, self.config["references"]["count"]) + 1)
        further = [f"<results>/colorize_shown/test/{rank}/{row}.parquet" for rank in ranks]
        return [f"<results>/colorize/{row}.parquet", *further]

    @property
    def full_row(self) -> str:
        """The row of Table 5 whose losses the others change."""
        return self.config["ablations"]["of"]

    @property
    def table1_rows(self) -> list[str]:
        methods = self.config["methods"]
        return [*methods, *(row for row in self.plus_rows if row not in methods)]

    @property
    def table5_rows(self) -> list[str]:
        return [*self.config["ablations"]["rows"], self.full_row]

    @property
    def table5_trainings(self) -> list[str | None]:
        return [self.training_of(row) for row in self.table5_rows]

    @property
    def first_frame_rows(self) -> list[str]:
        """The rows of `propagation` and of Figures 7 and 9: they are given the first frame of a clip."""
        return [row for row in self.config["methods"] if "first_frame" in self.given_to(row).get("clips", ())]

    @property
    def image_rows(self) -> list[str]:
        """The rows of Figure 6, which colour photographs."""
        return [row for row in self._pictured_rows if "images" in self.given_to(row)]

    @property
    def automatic_rows(self) -> list[str]:
        """The rows of Figure 10, which colour clips without being given a frame of them."""
        given = self.first_frame_rows
        return [row for row in self._pictured_rows if "clips" in self.given_to(row) and row not in given]

    @property
    def matching_rows(self) -> list[str]:
        """The rows of Figure 4, whose model matches by features that it has learned."""
        rows = [row for row in self.image_rows if self.code_of(row) == "bench/methods/ours.py"]
        there = [row for row in rows if not choosing.lacks_release(self.rows[row], self.weights_dir)]
        return [row for row in there if self.checkpoint_of(row)]

    @property
    def _pictured_rows(self) -> list[str]:
        """Besides the truth and the input, which a figure shows anyway."""
        return [row for row in self.config["methods"] if row not in ("ground_truth", "grey")]

    def shown_rows(self, figure: str) -> list[str]:
        """The rows that colour clips only for a figure: `multimodal`, `legacy` or `long`."""
        return self.config["figures"][figure]["rows"]

    @property
    def multimodal(self) -> dict[str, int]:
        """The place of the test clip of each of Figures 11 to 14."""
        return dict(zip(MULTIMODAL, self.config["figures"]["multimodal"]["clips"], strict=True))

    def shown_flags(self, split: str, rank: str) -> str:
        """How a job is told to colour clips only to show them: rank of the reference, and of test clips the places."""
        places = " ".join(map(str, self.multimodal.values()))
        return f"--rank {rank}{f' --positions {places}' if split == 'test' else ''}"

    @property
    def shown_figures(self) -> list[str]:
        """The figures about clips that are only shown, where the configuration has such, be they there or not."""
        named = {*self.config["clips"]["sets"], *self.sets.absent}
        return [number for number, split in SHOWN.items() if split in named]

    def inputs_of_shown(self, split: str) -> dict[str, str | list[str]]:
        """What the figure about a set that is only shown is made of; nothing where the set is not there.

        Raises ConfigError where the configuration has no such set.
        """
        if split in self.sets.absent:
            return {}
        rows = [f"<results>/colorize_shown/{split}/1/{row}.parquet" for row in self.shown_rows(split)]
        references = {"clip_references": "<results>/references/clips/legacy.parquet"} if split == "legacy" else {}
        return {"clips": self.sets.shown(split), **references, "colorized": rows}

    @property
    def wildcards(self) -> dict[str, list[str]]:
        """What the wildcards of the rules may stand for, where that is known; a wildcard for nothing has none."""
        sets = self.sets
        return {
            "kind": ["clips", "images"],
            "split": sorted(sets.names()),
            "filmed": sets.filmed,
            "rendered": sets.rendered,
            "gallery": sorted(set(self.config["references"]["gallery"].values())),
            "row": list(self.rows),
            "training": list(self.trainings),
            "multimodal": list(self.multimodal),
        }

    @property
    def table1_trainings(self) -> list[str]:
        """The trainings that Table 1 tells of."""
        return list(self.trainings_of(self.table1_rows))

    @property
    def checkpoints(self) -> dict[str, str]:
        """The files and folders that rows name as their checkpoint, by what the configuration calls them."""
        rows = {row: own for row, own in self.config["methods"].items() if "checkpoint" in own}
        return {own["checkpoint"]: self.checkpoint_of(row) for row, own in rows.items()}


def settled(config: dict) -> dict:
    """A configuration as the rules read it: full names, no empty sets, an overlay's rows after those of the default,
    and small where it is a trial."""
    clips = config["clips"]
    there = {split: items for split, items in clips["sets"].items() if items is not None}
    methods = config["methods"]
    order = [row for row in default_order() if row in methods]
    methods = {row: methods[row] for row in [*order, *methods]}
    return made_small(with_full_names(config) | {"clips": clips | {"sets": there}, "methods": methods})
