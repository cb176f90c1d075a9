# Every row colours the test clips and images, is scored, and becomes a line of the tables.
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
    priority: lambda wildcards: 40 if PLAN.training_of(wildcards.row) else 0
    resources:
        **asked("colorize"),
        weights=WEIGHTS,
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
        " --table {output.table:q} > {log:q} 2>&1"


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
    params:
        version=version_of("bench/scoring/truth.py"),
        inputs=flags,
        fid_features=config["fid_features"],
    shell:
        "python -m bench.scoring.truth {params.inputs} --fid-features {params.fid_features} --weights {resources.weights:q}"
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
    priority: lambda wildcards: 40 if PLAN.training_of(wildcards.row) else 0
    resources:
        **asked("score"),
        weights=WEIGHTS,
    params:
        version=version_of("bench/scoring/score.py"),
        inputs=flags,
        classifier=config["classifier"],
        fid_features=config["fid_features"],
    shell:
        "python -m bench.scoring.score --row {wildcards.row} {params.inputs} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --weights {resources.weights:q}"
        " --table {output.table:q} > {log:q} 2>&1"
