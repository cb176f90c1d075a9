# Every row colours the test clips and images, is scored, and becomes a line of the tables. Where a row has more items
# than one job takes (`shards.rows`), shards of them are coloured and scored, and their tables gathered.
ROWS, code_of, inputs_for = PLAN.rows, PLAN.code_of, PLAN.inputs_for
TABLE1_ROWS, CHECKPOINTS, FIRST_FRAME_ROWS = PLAN.table1_rows, PLAN.checkpoints, PLAN.first_frame_rows
TABLE5_ROWS, FULL_ROW, TABLE5_TRAININGS = PLAN.table5_rows, PLAN.full_row, PLAN.table5_trainings


rule colorize:
    input:
        unpack(lambda wildcards: inputs_for(wildcards.row, "test")),
    output:
        table="<results>/colorize/{row}.parquet",
    log:
        "<logs>/colorize/{row}.log",
    benchmark:
        "<logs>/colorize/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("test", several=False)),
    priority: lambda wildcards: 40 if PLAN.training_of(wildcards.row) else 0
    resources:
        **asked("colorize"),
        weights=WEIGHTS,
        device=config["device"],
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("bench/run/colorize.py"),
        method=lambda wildcards: version_of(code_of(wildcards.row)),
        checkpoint=lambda wildcards: content_of_checkpoint(wildcards.row),
        inputs=flags_of_row,
        options=lambda wildcards: as_json(ROWS[wildcards.row]),
        backbone=config["backbone"],
        seed=config["seed"],
    shell:
        "python -m bench.run.colorize --row {wildcards.row} --options {params.options:q} {params.inputs}"
        " --backbone {params.backbone} --weights {resources.weights:q} --seed {params.seed}"
        " --device {resources.device} --scheduler {resources.dask_scheduler:q}"
        " --table {output.table:q} > {log:q} 2>&1"


use rule colorize as colorize_shard with:
    output:
        table="<results>/shards/colorize/{row}/{shard}.parquet",
    log:
        "<logs>/colorize/{row}/{shard}.log",
    benchmark:
        "<logs>/colorize/{row}/{shard}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("test", several=True)),
    params:
        inputs=lambda wildcards, input, output: (
            f"{flags_of_row(wildcards, input)} {PLAN.shard_flags(wildcards.row, wildcards.shard, 'test')}"
            f" --frames {quote(folder_of_items(output.table))}"
            f" --results {quote(str(Path(output.table).parents[3]))}"
        ),


rule gather_colorized:
    input:
        unpack(lambda wildcards: PLAN.gathered_for(wildcards.row, "colorize", "test")),
    output:
        table="<results>/colorize/{row}.parquet",
    log:
        "<logs>/gather_colorized/{row}.log",
    benchmark:
        "<logs>/gather_colorized/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("test", several=True)),
    priority: lambda wildcards: 40 if PLAN.training_of(wildcards.row) else 0
    resources:
        **asked("gather_colorized"),
    params:
        version=version_of("bench/run/gather_colorized.py"),
        inputs=flags_of_gathering,
    shell:
        "python -m bench.run.gather_colorized {params.inputs} --table {output.table:q} > {log:q} 2>&1"


# What rows make of the training clips, for a method that learns to correct them.
use rule colorize as recolor with:
    input:
        unpack(lambda wildcards: inputs_for(wildcards.row, "train", ("clips",))),
    output:
        table="<results>/recolored/{row}.parquet",
    log:
        "<logs>/recolored/{row}.log",
    benchmark:
        "<logs>/recolored/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("train", several=False)),
    priority: 50


use rule colorize_shard as recolor_shard with:
    input:
        unpack(lambda wildcards: inputs_for(wildcards.row, "train", ("clips",))),
    output:
        table="<results>/shards/recolored/{row}/{shard}.parquet",
    log:
        "<logs>/recolored/{row}/{shard}.log",
    benchmark:
        "<logs>/recolored/{row}/{shard}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("train", several=True)),
    priority: 50
    params:
        inputs=lambda wildcards, input, output: (
            f"{flags_of_row(wildcards, input)} {PLAN.shard_flags(wildcards.row, wildcards.shard, 'train')}"
            f" --frames {quote(folder_of_items(output.table))}"
            f" --results {quote(str(Path(output.table).parents[3]))}"
        ),


use rule gather_colorized as gather_recolored with:
    input:
        unpack(lambda wildcards: PLAN.gathered_for(wildcards.row, "recolored", "train")),
    output:
        table="<results>/recolored/{row}.parquet",
    log:
        "<logs>/gather_recolored/{row}.log",
    benchmark:
        "<logs>/gather_recolored/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("train", several=True)),
    priority: 50


# What all scores take of the ground truth.
rule truth:
    input:
        clips="<results>/clips/test.parquet",
        images="<results>/images/test.parquet",
        scoring_flow=f"<results>/flow/{config['scoring_flow']}/test.parquet",
    output:
        table="<results>/truth/test.parquet",
        features="<results>/truth/test.npy",
    log:
        "<logs>/truth.log",
    benchmark:
        "<logs>/truth.benchmark.tsv"
    priority: 40
    resources:
        **asked("truth"),
        weights=WEIGHTS,
        device=config["device"],
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("bench/scoring/truth.py"),
        inputs=flags,
        fid_features=config["fid_features"],
    shell:
        "python -m bench.scoring.truth {params.inputs} --fid-features {params.fid_features} --weights {resources.weights:q}"
        " --device {resources.device} --scheduler {resources.dask_scheduler:q}"
        " --table {output.table:q} > {log:q} 2>&1"


rule score:
    input:
        colorized="<results>/colorize/{row}.parquet",
        clips="<results>/clips/test.parquet",
        images="<results>/images/test.parquet",
        scoring_flow=f"<results>/flow/{config['scoring_flow']}/test.parquet",
        truth="<results>/truth/test.parquet",
    output:
        table="<results>/score/{row}.parquet",
    log:
        "<logs>/score/{row}.log",
    benchmark:
        "<logs>/score/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("test", several=False)),
    priority: lambda wildcards: 40 if PLAN.training_of(wildcards.row) else 0
    resources:
        **asked("score"),
        weights=WEIGHTS,
        device=config["device"],
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("bench/scoring/score.py"),
        inputs=flags,
        classifier=config["classifier"],
        fid_features=config["fid_features"],
    shell:
        "python -m bench.scoring.score --row {wildcards.row} {params.inputs} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --weights {resources.weights:q}"
        " --device {resources.device} --scheduler {resources.dask_scheduler:q}"
        " --table {output.table:q} > {log:q} 2>&1"


# A shard is scored as soon as it is coloured.
use rule score as score_shard with:
    input:
        colorized="<results>/shards/colorize/{row}/{shard}.parquet",
        clips="<results>/clips/test.parquet",
        images="<results>/images/test.parquet",
        scoring_flow=f"<results>/flow/{config['scoring_flow']}/test.parquet",
        truth="<results>/truth/test.parquet",
    output:
        table="<results>/shards/score/{row}/{shard}.parquet",
    log:
        "<logs>/score/{row}/{shard}.log",
    benchmark:
        "<logs>/score/{row}/{shard}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("test", several=True)),
    params:
        inputs=lambda wildcards, input, output: (
            f"{flags(wildcards, input)} {PLAN.shard_flags(wildcards.row, wildcards.shard, 'test')}"
            f" --pieces {quote(folder_of_items(output.table))}"
            f" --frames {quote(folder_of_items(input.colorized))}"
        ),


rule gather_scores:
    input:
        colorized="<results>/colorize/{row}.parquet",
        shards=lambda wildcards: PLAN.shards_colorized("score", wildcards.row, "test"),
    output:
        table="<results>/score/{row}.parquet",
    log:
        "<logs>/gather_scores/{row}.log",
    benchmark:
        "<logs>/gather_scores/{row}.benchmark.tsv"
    wildcard_constraints:
        row=one_of(PLAN.in_shards("test", several=True)),
    priority: lambda wildcards: 40 if PLAN.training_of(wildcards.row) else 0
    resources:
        **asked("gather_scores"),
    params:
        version=version_of("bench/scoring/gather_scores.py"),
        inputs=flags_of_gathering,
    shell:
        "python -m bench.scoring.gather_scores --row {wildcards.row} {params.inputs}"
        " --table {output.table:q} > {log:q} 2>&1"
