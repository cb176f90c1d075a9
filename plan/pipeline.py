"""What the jobs, tables and figures of a configuration are, and what each of them needs."""

from dataclasses import asdict

from plan.choosing import backbone_of_model, lacks_release
from plan.rows_and_trainings import Rows

# The keys that tables and figures tell of (bench.stand_ins).
CHOICES = ("backbone", "classifier", "fid_features", "flow", "scoring_flow")
# Figures 11 to 14 show a test clip each, with so many references.
MULTIMODAL = ("11", "12", "13", "14")
MULTIMODAL_REFERENCES = 5
# The figures about a set of clips that a configuration may have or not.
SHOWN = {"15": "legacy", "16": "long"}


class Plan(Rows):
    """A configuration that can be run. Raises ConfigError for one that cannot.

    What stages are given is what was written, not what a model makes of it: 1 stays 1 and does not become 1.0, so a job
    is not made again for a spelling. Paths begin with `<results>`, which the workflow knows.
    """

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
        rows = {row: backbone_of_model(own, self.root, self.weights_dir) for row, own in self.rows.items()}
        return {row: name for row, name in rows.items() if name not in ("", self.config["backbone"])}

    def models_of(self, rows: list[str], trained: list[str]) -> list[str]:
        """The models of rows, in their order: the files that they name, and `trained`, those of their trainings."""
        files = iter(trained)
        return [next(files) if self.training_of(row) else self.checkpoint_of(row) for row in rows]

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

    def shards_of_row(self, row: str, split: str) -> int:
        """In how many jobs a row colours the clips and images of a split, or of another than `test` the clips."""
        kinds = [kind for kind in self.given_to(row) if split == "test" or kind == "clips"]
        return self.sets.shards_of_items(kinds, split)

    def in_shards(self, split: str, several: bool) -> list[str]:
        """The rows that do so in several jobs, or those that do it in one."""
        return [row for row in self.rows if (self.shards_of_row(row, split) > 1) == several]

    def shard_flags(self, row: str, shard: str, split: str) -> str:
        """How a job of a row is told which shard of the items of a split is its own."""
        return f"--shard {shard} --shards {self.shards_of_row(row, split)}"

    def shards_colorized(self, folder: str, row: str, split: str) -> list[str]:
        """The tables of a row's shards."""
        return [f"<results>/shards/{folder}/{row}/{shard}.parquet" for shard in range(self.shards_of_row(row, split))]

    def gathered_for(self, row: str, folder: str, split: str) -> dict[str, str | list[str]]:
        """What a row's shards are gathered from: their tables, and the sets that say in which order."""
        kinds = [kind for kind in self.given_to(row) if split == "test" or kind == "clips"]
        sets = {kind: f"<results>/{kind}/{split}.parquet" for kind in kinds}
        return {"shards": self.shards_colorized(folder, row, split), **sets}

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
        there = [row for row in rows if not lacks_release(self.rows[row], self.weights_dir)]
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
