# What the rules share: the check of the configuration, and reading what a module declares without importing it.
import ast
import hashlib
import json
import re
from functools import cache
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError
from snakemake.utils import validate
import yaml

from colorize.training.settings import EXECUTION, LossWeights
from plan.versions import version_of
from prep.datasets.registry import DatasetError, Selection, lists_of, planned_count, read_registry
from prep.shards import shards_for

ROOT = Path(workflow.basedir)


def stop_at_unknown_keys(given, schema, where=""):
    """Stop at the first key that the schema does not know, naming the nearest one that it does."""
    known = schema.get("properties", {})
    for key, value in given.items():
        below = known.get(key, schema.get("additionalProperties", False))
        if below is False:
            place = f"in {where.rstrip('.')!r}" if where else "at the top level"
            raise WorkflowError(
                f"config: the key {key!r} {place} is not known; {nearest(key, known)} See config/README.md."
            )
        if isinstance(value, dict) and isinstance(below, dict):
            stop_at_unknown_keys(value, below, f"{where}{key}.")


def nearest(word, known):
    """The hint of a message about a word that is not among the known ones."""
    near = get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(known))}."


def declared(path, name):
    """The literal that a module, or a class in it, assigns to `name`: read, not imported (torch costs seconds)."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return ast.literal_eval(node.value)
    raise WorkflowError(f"{path}: expected a line `{name} = ...` with a literal value")


def code_of(row):
    """The file that colours a row; stops at a method that has none, and at an option that its constructor lacks."""
    options = ROWS[row]
    kind = next((kind for kind in ("precomputed", "command") if kind in options), None)
    name = options.get("method", row.rpartition("+")[2])
    path = f"bench/methods/contract/{kind}.py" if kind else f"bench/methods/{name}.py"
    if not (ROOT / path).exists():
        files = [p.stem for p in (ROOT / "bench/methods").glob("[!_]*.py")]
        raise WorkflowError(f"config: methods.{row} needs {path}, which does not exist; {nearest(name, files)}")
    known = {
        *SCHEMA["properties"]["methods"]["additionalProperties"]["properties"],
        *constructor_arguments(path),
    }
    for key in options:
        if key not in known:
            raise WorkflowError(f"config: the key {key!r} in 'methods.{row}' is not known; {nearest(key, known)}")
    return path


def constructor_arguments(path):
    """What the class in a module takes besides `setting`: the options of its rows."""
    inits = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if getattr(node, "name", "") == "__init__"]
    return {argument.arg for init in inits for argument in init.args.args + init.args.kwonlyargs} - {"self", "setting"}


def given_to(row):
    """What a row's method is given for each kind of item (see bench/methods/contract/method.py)."""
    return ROWS[row].get("given") or declared(code_of(row), "given")


def trainings_of(row):
    """The training that a row waits for, as a list of one name or none."""
    training = ROWS[row].get("training")
    if training is not None and training not in TRAININGS:
        raise WorkflowError(
            f"config: methods.{row} wants the training {training!r}, which is not under 'training'; "
            + nearest(training, config["training"])
        )
    return [training] if training else []


def inputs_of_row(wildcards):
    """What a row's job reads: the test sets, and only those extras that its method asks for."""
    return inputs_for(wildcards.row, "test", ("clips", "images"))


def inputs_of_shown(wildcards):
    """What a job reads that colours a set's clips only to show them."""
    return inputs_for(wildcards.row, wildcards.split, ("clips",))


def inputs_for(row, split, kinds):
    """The sets of a split, and only those extras that the row's method asks for."""
    given = given_to(row)
    needs = {kind: f"<results>/{kind}/{split}.parquet" for kind in kinds}
    if "clips" in kinds and "flow" in given.get("clips", ()):
        needs["clip_flow"] = f"<results>/flow/{config['flow']}/{split}.parquet"
    for kind in kinds:
        if "reference" in given.get(kind, ()):
            needs[f"{kind.removesuffix('s')}_references"] = f"<results>/references/{kind}/{split}.parquet"
    if "processed" in given.get("clips", ()) and "clips" in kinds:
        needs["processed"] = f"<results>/colorize/{processed_by(row)}.parquet"
    for training in trainings_of(row):
        needs["checkpoint"] = f"<results>/train/{training}/model.safetensors"
    return needs


def processed_by(row):
    """The row whose results a post-processor works on: what stands in front of the last `+` of its name."""
    other = row.rpartition("+")[0]
    if other not in ROWS or "clips" not in given_to(other):
        raise WorkflowError(
            f"config: methods.{row} is a post-processor, so its name has to be `<row>+<post-processor>` with a row that "
            f"colours clips, not {other!r}; {nearest(other, ROWS)}"
        )
    return other


def recolored_for(training):
    """What rows make of the training clips, for a training that learns to correct them (`recolored`)."""
    rows = TRAININGS[training].get("recolored", [])
    for row in rows:
        if row not in config["methods"]:
            raise WorkflowError(
                f"config: training.{training}.recolored has the row {row!r}, which is not under 'methods'; "
                + nearest(row, config["methods"])
            )
    return [f"<results>/recolored/{row}.parquet" for row in rows]


def shown_flags(wildcards, input, output):
    """The flags of a job that colours clips only to show them: inputs, rank of the reference, which test clips."""
    chosen = " ".join(map(str, MULTIMODAL.values()))
    positions = f" --positions {chosen}" if wildcards.split == "test" else ""
    results = quote(str(Path(output.table).parents[3]))
    return f"{flags_of_row(wildcards, input)} --rank {wildcards.rank}{positions} --results {results}"


def may_be_processed(row):
    """Whether a row is one of those whose flicker Table 1 also gives after a post-processor."""
    return "clips" in given_to(row) and "precomputed" not in ROWS[row] and "+" not in row


def shown_rows(figure, *sources):
    """The rows that colour clips for a figure; stops at one that is not a row, or is given none of `sources`."""
    rows = config["figures"][figure]["rows"]
    for row in rows:
        if row not in config["methods"]:
            raise WorkflowError(
                f"config: figures.{figure}.rows has the row {row!r}, which is not under 'methods'; "
                + nearest(row, config["methods"])
            )
        if not set(sources) & set(given_to(row).get("clips", ())):
            raise WorkflowError(
                f"config: figures.{figure} shows clips that are coloured with a {' or '.join(sources)}, but the row "
                f"{row!r} is not given one for clips; choose a row that is."
            )
    return rows


def colorized_by_rank(row):
    """A row's tables of the test clips by rank of reference, from 1 on; that of rank 1 is the one that is scored."""
    ranks = range(2, min(MULTIMODAL_REFERENCES, config["references"]["count"]) + 1)
    further = [f"<results>/colorize_shown/test/{rank}/{row}.parquet" for rank in ranks]
    return [f"<results>/colorize/{row}.parquet", *further]


def shown_set(split):
    """The table of a set of clips that is only shown; stops where the configuration has no such set."""
    if split not in config["clips"]["sets"]:
        raise WorkflowError(
            f"config: there is no set of clips {split!r} to show; put one under clips.sets, such as "
            f"`{split}: {{from: [{{dataset: <name in the registry>, files: <glob>}}]}}`. See config/README.md."
        )
    return f"<results>/clips/{split}.parquet"


def checkpoint_of(row):
    """The checkpoint file that a row names; a relative path counts from the Snakefile."""
    if "training" in config["methods"][row]:
        raise WorkflowError(f"config: methods.{row} names both a 'training' and a 'checkpoint'; keep one of them.")
    return here(config["methods"][row]["checkpoint"])


def flags_of_row(wildcards, input):
    """The flags of a job that colours: its inputs, and the checkpoint file that its row names.

    That is no input, because its path and time say nothing: its content is a parameter (content_of_checkpoint).
    """
    named = f" --checkpoint {quote(checkpoint_of(wildcards.row))}" if "checkpoint" in ROWS[wildcards.row] else ""
    return flags(wildcards, input) + named


def content_of_checkpoint(row):
    """SHA-256 of the checkpoint file that a row names; empty if it names none."""
    if "checkpoint" not in ROWS[row]:
        return ""
    path = ROOT / ROWS[row]["checkpoint"]
    if not path.is_file():
        raise WorkflowError(f"config: methods.{row} names the checkpoint {path}, but there is no such file.")
    return f"checkpoint {content(path)}"


def models_of(rows, trained):
    """The checkpoint files of rows, in their order: those that they name, and `trained`, those of their trainings."""
    files = iter(trained)
    return [checkpoint_of(row) if "checkpoint" in ROWS[row] else next(files) for row in rows]


@cache
def content(path):
    """SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def here(path):
    """A path that counts from the Snakefile, as jobs are told it: of what lies in the working directory, the part that
    is the same when that is moved or cloned."""
    path = ROOT / path
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def ablation_of(row, changes):
    """The training of an ablation: that of the row `ablations.of`, with the ablation's own weights of losses."""
    whole = config["training"][trainings_of(config["ablations"]["of"])[0]]
    losses = whole.get("losses", {})
    if LossWeights(**losses | changes["losses"]) == LossWeights(**losses):
        raise WorkflowError(
            f"config: ablations.rows.{row} gives {as_json(changes['losses'])}, which is what ablations.of has already; "
            "give a loss another weight (0 leaves it out), or take the ablation out."
        )
    return whole | {"losses": losses | changes["losses"]}


def stop_at_impossible_ablations():
    """Stop where `ablations.of` is no row with a training, or where an ablation has the name of something else."""
    of, rows = config["ablations"]["of"], config["ablations"]["rows"]
    if of not in config["methods"]:
        raise WorkflowError(
            f"config: ablations.of wants the row {of!r}, which is not under 'methods'; {nearest(of, config['methods'])}"
        )
    if not trainings_of(of):
        raise WorkflowError(
            f"config: ablations.of wants the row {of!r}, which has no 'training' whose losses could be changed."
        )
    for row in rows:
        for place in ("methods", "training"):
            if row in config[place]:
                raise WorkflowError(
                    f"config: ablations.rows.{row} has the name of an entry under {place!r}; call it otherwise."
                )


def validation_clips(wildcards):
    """The clips on which a training's checkpoint is chosen, with their flow; none where the configuration has none."""
    if "validation" not in config["clips"]["sets"]:
        return {}
    return {
        "validation_clips": "<results>/clips/validation.parquet",
        "validation_flow": f"<results>/flow/{config['flow']}/validation.parquet",
    }


def flags(wildcards, input):
    """A job's named inputs as the flags of its command: clips=x becomes `--clips x`, clips=[x, y] `--clips x y`."""
    given = {name: [paths] if isinstance(paths, str) else paths for name, paths in input.items()}
    return " ".join(
        f"--{name.replace('_', '-')} {' '.join(quote(str(path)) for path in paths)}" for name, paths in given.items()
    )


def filters_of(kind, split):
    """The thresholds of a set: its own, on top of those of all."""
    return config["filter"] | config[kind]["sets"][split].get("filter", {})


@cache
def shards_of(kind, split):
    """In how many shards a set is prepared; `gallery` is an image set that is searched, in shards of its own size."""
    items = config["clips" if kind == "clips" else "images"]["sets"][split]
    if items.get("rendered"):
        return shards_for(items["rendered"]["count"], config["shards"][kind])
    try:
        wanted = [Selection(dataset=one["dataset"], files=one["files"]) for one in items["from"]]
        return shards_for(planned_count(REGISTRY, wanted), config["shards"][kind])
    except DatasetError as error:
        raise WorkflowError(f"{kind}.sets.{split}: {error}")


def shard_tables(folder, kind, split, suffix="parquet"):
    """The tables of a set's shards, or what lies beside them."""
    return [f"{folder}/{split}/{shard}.{suffix}" for shard in range(shards_of(kind, split))]


def threads_for(kind, split):
    """Threads of a shard's job: many shards run side by side, a single one uses two cores itself."""
    return 2 if shards_of(kind, split) == 1 else 1


def folder_of_set(wildcards, output):
    """The folder of all items of the set that a shard's table (results/shards/clips/train/3.parquet) is a part of."""
    return str(Path(output.table).parent).replace("shards/", "", 1)


def claimed_by_others(wildcards):
    """The sets whose items this one must not repeat: what is scored first, then what training is judged on.

    Renderings are made of photographs, which are told apart as photographs.
    """
    sets = config[wildcards.kind]["sets"]
    before = {"validation": ["test"], "train": ["test", "validation"]}.get(wildcards.split, [])
    return {
        "claimed": [
            f"<results>/{wildcards.kind}/{split}.parquet"
            for split in before
            if split in sets and not sets[split].get("rendered")
        ]
    }


def gallery_of(split):
    """The image set that a split's references are searched in."""
    return config["references"]["gallery"]["train" if split in ("train", "validation") else "test"]


def registered(items):
    """The registry's lines for the datasets of a set, and the content of the lists that they name. A set's job has
    them among its params, so that the line of another dataset, new or changed, makes nothing again."""
    wanted = {selection["dataset"] for selection in items["from"]}
    lines = Path(DATASETS).read_text().splitlines()
    lists = [path for name in sorted(wanted & set(REGISTRY)) for path in lists_of(REGISTRY[name])]
    return [line for line in lines if line.split("\t")[0] in wanted] + [f"list {content(path)}" for path in lists]


def deciding(training):
    """The keys of a training that decide its numbers."""
    return {key: value for key, value in TRAININGS[training].items() if key not in EXECUTION}


def execution_of(training):
    """The other keys of a training, which say where and how fast it runs."""
    return {key: value for key, value in TRAININGS[training].items() if key in EXECUTION}


def as_json(value):
    """A part of the configuration on its way through the command line."""
    return json.dumps(value, sort_keys=True)


SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
stop_at_unknown_keys(config, SCHEMA)
validate(config, str(ROOT / "workflow/schemas/config.schema.yaml"))
config["clips"]["sets"] = {split: items for split, items in config["clips"]["sets"].items() if items is not None}

# Rows in the order of the default configuration, those of an overlay after them.
default_rows = yaml.safe_load((ROOT / "config/config.yaml").read_text())["methods"]
config["methods"] = {row: config["methods"][row] for row in {**default_rows, **config["methods"]}}

# What can be coloured and trained: the rows of Table 1, and those of Table 5, which colour photographs alone.
ROWS, TRAININGS = dict(config["methods"]), dict(config["training"])
stop_at_impossible_ablations()
FULL_ROW = config["ablations"]["of"]
for row, changes in config["ablations"]["rows"].items():
    TRAININGS[row] = ablation_of(row, changes)
    ROWS[row] = {"method": FULL_ROW, **ROWS[FULL_ROW], "training": row, "given": {"images": ["reference"]}}
# Flicker of Table 1 after a post-processor: one more row for each that colours clips by a method of its own.
PLUS = config["flicker_plus"] and config["flicker_plus"]["method"]
PLUS_ROWS = {f"{row}+{PLUS}": row for row in config["methods"] if PLUS and may_be_processed(row)}
ROWS |= dict.fromkeys(PLUS_ROWS, config["flicker_plus"])
TABLE1_ROWS = [*config["methods"], *(row for row in PLUS_ROWS if row not in config["methods"])]
TABLE5_ROWS = [*config["ablations"]["rows"], FULL_ROW]
TABLE5_TRAININGS = [trainings_of(row)[0] for row in TABLE5_ROWS]

DATASETS = here(config["datasets"])
REGISTRY = read_registry(DATASETS)
WEIGHTS = here(config["weights"])
# Sets of clips are filmed (prep.clips) or rendered from photographs (prep.renderings).
RENDERED = [split for split, items in config["clips"]["sets"].items() if items.get("rendered")]
FILMED = [split for split in config["clips"]["sets"] if split not in RENDERED]
# The files that rows name as their checkpoint, by what the configuration calls them.
CHECKPOINTS = {own["checkpoint"]: checkpoint_of(row) for row, own in config["methods"].items() if "checkpoint" in own}
FIRST_FRAME_ROWS = [row for row in config["methods"] if "first_frame" in given_to(row).get("clips", ())]
# Figures 11 to 14 show a test clip each, by its place among the kept ones, with so many references.
MULTIMODAL = dict(zip(("11", "12", "13", "14"), config["figures"]["multimodal"]["clips"]))
MULTIMODAL_REFERENCES = 5
# The figures about a set of clips that a configuration may have or not.
SHOWN_FIGURES = [number for number, split in (("15", "legacy"), ("16", "long")) if split in config["clips"]["sets"]]

# What was configured, but for where and how fast it runs, goes to every job for its sidecar (media/provenance.py), and
# is a parameter of none: a key that a job does not read makes nothing again. The rest is Snakemake's own prefix, which this one would replace.
CONFIG_HASH = hashlib.sha256(
    as_json(
        {key: value for key, value in config.items() if key not in ("dask_scheduler", "weights")}
        | {"training": {name: deciding(name) for name in config["training"]}}
    ).encode()
).hexdigest()
# glibc gives large tensors back to the system after each use; kept, they cost a job up to a fifth less time.
MALLOC = " ".join(f"MALLOC_{what}_THRESHOLD_={2**30}" for what in ("MMAP", "TRIM"))
shell.prefix(f"set -euo pipefail; export HUEBENCH_CONFIG_HASH={CONFIG_HASH} {MALLOC}; ")


wildcard_constraints:
    split="|".join({*config["clips"]["sets"], *config["images"]["sets"]}),
    filmed="|".join(map(re.escape, FILMED)),
    rendered="|".join(map(re.escape, RENDERED)) or "-",
    kind="clips|images",
    gallery="|".join(map(re.escape, set(config["references"]["gallery"].values()))),
    multimodal="|".join(MULTIMODAL),
    shard=r"\d+",
    rank=r"\d+",
    row="|".join(map(re.escape, ROWS)),
    training="|".join(map(re.escape, TRAININGS)) or "-",
    estimator=r"[\w:.-]+",
