# The paper's pictures: strips of frames in a folder for each figure, with the table of what is shown and a caption.

IMAGE_ROWS, AUTOMATIC_ROWS, MATCHING_ROWS = PLAN.image_rows, PLAN.automatic_rows, PLAN.matching_rows
MULTIMODAL, SHOWN_FIGURES = PLAN.multimodal, PLAN.shown_figures
colorized_by_rank, shown_rows = PLAN.colorized_by_rank, PLAN.shown_rows
inputs_of_shown = or_else(stop, PLAN.inputs_of_shown)


rule figure3:
    input:
        photos="<results>/images/train.parquet",
    output:
        folder=directory("<results>/figure3"),
    log:
        "<logs>/figure3.log",
    benchmark:
        "<logs>/figure3.benchmark.tsv"
    resources:
        **asked("figure3"),
    params:
        version=version_of("bench/figures/figure3.py"),
        training=PLAN.training_of(FULL_ROW),
        settings=lambda wildcards: as_json(deciding(TRAININGS[PLAN.training_of(FULL_ROW)])),
        seed=config["seed"],
        shown=config["figures"]["images"],
    shell:
        "python -m bench.figures.figure3 --photos {input.photos:q} --settings {params.settings:q}"
        " --training {params.training} --seed {params.seed} --count {params.shown}"
        " --folder {output.folder:q} > {log:q} 2>&1"


rule figure4:
    input:
        images="<results>/images/test.parquet",
        image_references="<results>/references/images/test.parquet",
        trained=[inputs_for(row, "test")["checkpoint"] for row in MATCHING_ROWS if PLAN.training_of(row)],
        choices="<results>/choices.json",
    output:
        folder=directory("<results>/figure4"),
    log:
        "<logs>/figure4.log",
    benchmark:
        "<logs>/figure4.benchmark.tsv"
    resources:
        **asked("figure4"),
        weights=WEIGHTS,
    params:
        version=version_of("bench/figures/figure4.py"),
        rows=MATCHING_ROWS,
        checkpoints=lambda wildcards, input: PLAN.models_of(MATCHING_ROWS, input.trained),
        contents=lambda wildcards: [content_of_checkpoint(row) for row in MATCHING_ROWS],
        backbone=config["backbone"],
        shown=config["figures"]["images"],
    shell:
        "python -m bench.figures.figure4 --images {input.images:q} --image-references {input.image_references:q}"
        " --checkpoints {params.checkpoints:q} --rows {params.rows}"
        " --backbone {params.backbone} --weights {resources.weights:q} --count {params.shown}"
        " --choices {input.choices:q} --folder {output.folder:q} > {log:q} 2>&1"


# Rows side by side on some of the test items: what each of the four figures reads, and which and how many items it shows.
SIDE_BY_SIDE = {
    "5": {
        "inputs": {
            "colorized": expand("<results>/colorize/{row}.parquet", row=TABLE5_ROWS),
            "test_set": "<results>/images/test.parquet",
            "references": "<results>/references/images/test.parquet",
        },
        "items_of": [],
        "count": config["figures"]["images"],
    },
    "6": {
        "inputs": {
            "colorized": expand("<results>/colorize/{row}.parquet", row=IMAGE_ROWS),
            "test_set": "<results>/images/test.parquet",
            "references": "<results>/references/images/test.parquet",
        },
        "items_of": [],
        "count": config["figures"]["images"],
    },
    "9": {
        "inputs": {
            "colorized": expand("<results>/colorize/{row}.parquet", row=FIRST_FRAME_ROWS),
            "test_set": "<results>/clips/test.parquet",
        },
        "items_of": config["clips_of"]["figure7"],
        "count": config["figures"]["clips"],
    },
    "10": {
        "inputs": {
            "colorized": expand("<results>/colorize/{row}.parquet", row=AUTOMATIC_ROWS),
            "test_set": "<results>/clips/test.parquet",
            "references": "<results>/references/clips/test.parquet",
        },
        "items_of": config["clips_of"]["table1"],
        "count": config["figures"]["clips"],
    },
}


rule side_by_side:
    input:
        unpack(lambda wildcards: SIDE_BY_SIDE[wildcards.side_by_side]["inputs"]),
        choices="<results>/choices.json",
    output:
        folder=directory("<results>/figure{side_by_side}"),
    log:
        "<logs>/side_by_side/figure{side_by_side}.log",
    benchmark:
        "<logs>/side_by_side/figure{side_by_side}.benchmark.tsv"
    wildcard_constraints:
        side_by_side="|".join(SIDE_BY_SIDE),
    resources:
        **asked("side_by_side"),
    params:
        version=version_of("bench/figures/side_by_side.py"),
        inputs=flags,
        items_of=lambda wildcards: SIDE_BY_SIDE[wildcards.side_by_side]["items_of"],
        shown=lambda wildcards: SIDE_BY_SIDE[wildcards.side_by_side]["count"],
    shell:
        "python -m bench.figures.side_by_side --figure {wildcards.side_by_side} {params.inputs}"
        " --items-of {params.items_of} --count {params.shown}"
        " --folder {output.folder:q} > {log:q} 2>&1"


# Clips that are coloured only to be shown: with a reference of another rank than 1, or of a set without scores.
use rule colorize as colorize_shown with:
    input:
        unpack(lambda wildcards: inputs_for(wildcards.row, wildcards.split, ("clips",))),
    output:
        table="<results>/colorize_shown/{split}/{rank}/{row}.parquet",
    log:
        "<logs>/colorize_shown/{split}/{rank}/{row}.log",
    benchmark:
        "<logs>/colorize_shown/{split}/{rank}/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(ROWS),
    params:
        inputs=lambda wildcards, input, output: (
            f"{flags_of_row(wildcards, input)} {PLAN.shown_flags(wildcards.split, wildcards.rank)}"
            f" --results {quote(str(Path(output.table).parents[3]))}"
        ),
        positions=lambda wildcards: str(MULTIMODAL) if wildcards.split == "test" else "all",


# Not a rule for each figure: the four of them show the same of four clips.
rule figure11_to_14:
    input:
        clips="<results>/clips/test.parquet",
        clip_references="<results>/references/clips/test.parquet",
        colorized=[path for row in shown_rows("multimodal") for path in colorized_by_rank(row)],
        choices="<results>/choices.json",
    output:
        folder=directory("<results>/figure{multimodal}"),
    log:
        "<logs>/figure11_to_14/figure{multimodal}.log",
    benchmark:
        "<logs>/figure11_to_14/figure{multimodal}.benchmark.tsv"
    resources:
        **asked("figure11_to_14"),
    params:
        version=version_of("bench/figures/figure11_to_14.py"),
        inputs=flags,
        position=lambda wildcards: MULTIMODAL[wildcards.multimodal],
    shell:
        "python -m bench.figures.figure11_to_14 {params.inputs}"
        " --position {params.position} --folder {output.folder:q} > {log:q} 2>&1"


rule figure15:
    input:
        unpack(lambda wildcards: inputs_of_shown("legacy")),
        choices="<results>/choices.json",
    output:
        folder=directory("<results>/figure15"),
    log:
        "<logs>/figure15.log",
    benchmark:
        "<logs>/figure15.benchmark.tsv"
    resources:
        **asked("figure15"),
    params:
        version=version_of("bench/figures/figure15.py"),
        inputs=lambda wildcards, input: as_flags([*input.items(), *SETS.absence("legacy").items()]),
    shell:
        "python -m bench.figures.figure15 {params.inputs} --folder {output.folder:q} > {log:q} 2>&1"


rule figure16:
    input:
        unpack(lambda wildcards: inputs_of_shown("long")),
        choices="<results>/choices.json",
    output:
        folder=directory("<results>/figure16"),
    log:
        "<logs>/figure16.log",
    benchmark:
        "<logs>/figure16.benchmark.tsv"
    resources:
        **asked("figure16"),
    params:
        version=version_of("bench/figures/figure16.py"),
        inputs=lambda wildcards, input: as_flags([*input.items(), *SETS.absence("long").items()]),
    shell:
        "python -m bench.figures.figure16 {params.inputs} --folder {output.folder:q} > {log:q} 2>&1"
