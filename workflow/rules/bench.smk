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
    resources:
        mem_mb=3000,
        gpu=0,
    params:
        version=version_of("bench/run/colorize.py"),
        method=lambda wildcards: version_of(code_of(wildcards.row)),
        inputs=flags,
        options=lambda wildcards: as_json(ROWS[wildcards.row]),
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        weights=WEIGHTS,
        seed=config["seed"],
    shell:
        "python -m bench.run.colorize --row {wildcards.row} --options {params.options:q} {params.inputs}"
        " --reference-size {params.reference_size}"
        " --backbone {params.backbone} --weights {params.weights:q} --seed {params.seed}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


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


rule score:
    input:
        colorized="<results>/colorize/{row}.parquet",
        clips="<results>/clips/test.parquet",
        images="<results>/images/test.parquet",
        clip_flow=f"<results>/flow/{config['flow_for_scoring']}/test.parquet",
    output:
        table="<results>/score/{row}.parquet",
    log:
        "<logs>/score/{row}.log",
    benchmark:
        "<logs>/score/{row}.benchmark.tsv"
    resources:
        mem_mb=3000,
    params:
        version=version_of("bench/scoring/score.py"),
        metrics=[version_of(path) for path in sorted((ROOT / "bench/metrics").glob("[!_]*.py"))],
        inputs=flags,
        classifier=config["classifier"],
        fid_features=config["fid_features"],
        weights=WEIGHTS,
    shell:
        "python -m bench.scoring.score --row {wildcards.row} {params.inputs} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --weights {params.weights:q}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


rule table1:
    input:
        scores=expand("<results>/score/{row}.parquet", row=TABLE1_ROWS),
        colorized=expand("<results>/colorize/{row}.parquet", row=TABLE1_ROWS),
        clips="<results>/clips/test.parquet",
        summaries=expand("<results>/train/{training}/summary.json", training=config["training"]),
        checkpoints=list(CHECKPOINTS.values()),
    output:
        csv=report("<results>/table1.csv", caption="../report/table1.rst", category="Tables"),
        markdown="<results>/table1.md",
    log:
        "<logs>/table1.log",
    benchmark:
        "<logs>/table1.benchmark.tsv"
    params:
        version=version_of("bench/tables/table1.py"),
        methods=lambda wildcards: as_json(config["methods"]),
        checkpoints=lambda wildcards, input: as_json(dict(zip(CHECKPOINTS, input.checkpoints))),
        rows=list(config["methods"]),
        plus=lambda wildcards: as_json(config["flicker_plus"]),
        clips_of=config["clips_of"]["table1"],
        backbone=config["backbone"],
        classifier=config["classifier"],
        fid_features=config["fid_features"],
        flow=config["flow"],
        scoring_flow=config["flow_for_scoring"],
        seed=config["seed"],
    shell:
        "python -m bench.tables.table1 --rows {params.rows} --methods {params.methods:q} --scores {input.scores:q}"
        " --plus {params.plus:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of} --colorized {input.colorized:q} --summaries {input.summaries:q} --checkpoints {params.checkpoints:q}"
        " --backbone {params.backbone} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --flow {params.flow} --scoring-flow {params.scoring_flow}"
        " --seed {params.seed} --csv {output.csv:q} --markdown {output.markdown:q} 2>&1 | tee {log:q}"


rule table5:
    input:
        scores=expand("<results>/score/{row}.parquet", row=TABLE5_ROWS),
        colorized=expand("<results>/colorize/{row}.parquet", row=TABLE5_ROWS),
        summaries=expand("<results>/train/{training}/summary.json", training=TABLE5_TRAININGS),
        clips="<results>/clips/train.parquet",
        photos="<results>/images/train.parquet",
    output:
        csv=report("<results>/table5.csv", caption="../report/table5.rst", category="Tables"),
        markdown="<results>/table5.md",
    log:
        "<logs>/table5.log",
    benchmark:
        "<logs>/table5.benchmark.tsv"
    params:
        version=version_of("bench/tables/table5.py"),
        inputs=flags,
        rows=TABLE5_ROWS,
        full=FULL_ROW,
        methods=lambda wildcards: as_json({row: ROWS[row] for row in TABLE5_ROWS}),
        trainings=lambda wildcards: as_json({name: TRAININGS[name] for name in TABLE5_TRAININGS}),
        backbone=config["backbone"],
        classifier=config["classifier"],
        fid_features=config["fid_features"],
        flow=config["flow"],
        seed=config["seed"],
    shell:
        "python -m bench.tables.table5 --rows {params.rows} --full {params.full} --methods {params.methods:q}"
        " --trainings {params.trainings:q} {params.inputs}"
        " --backbone {params.backbone} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --flow {params.flow} --seed {params.seed}"
        " --csv {output.csv:q} --markdown {output.markdown:q} 2>&1 | tee {log:q}"


rule propagation:
    input:
        scores=expand("<results>/score/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
    output:
        csv=report("<results>/propagation.csv", caption="../report/propagation.rst", category="Tables"),
        markdown="<results>/propagation.md",
    log:
        "<logs>/propagation.log",
    benchmark:
        "<logs>/propagation.benchmark.tsv"
    params:
        version=version_of("bench/tables/propagation.py"),
        rows=FIRST_FRAME_ROWS,
        clips_of=config["clips_of"]["figure7"],
        backbone=config["backbone"],
        flow=config["flow"],
        seed=config["seed"],
    shell:
        "python -m bench.tables.propagation --rows {params.rows} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of}"
        " --backbone {params.backbone} --flow {params.flow} --seed {params.seed}"
        " --csv {output.csv:q} --markdown {output.markdown:q} 2>&1 | tee {log:q}"


rule figure7:
    input:
        scores=expand("<results>/score/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
    output:
        csv="<results>/figure7.csv",
        svg=report("<results>/figure7.svg", caption="../report/figure7.rst", category="Figures"),
        markdown="<results>/figure7.md",
    log:
        "<logs>/figure7.log",
    benchmark:
        "<logs>/figure7.benchmark.tsv"
    params:
        version=version_of("bench/figures/figure7.py"),
        rows=FIRST_FRAME_ROWS,
        clips_of=config["clips_of"]["figure7"],
        backbone=config["backbone"],
        flow=config["flow"],
        seed=config["seed"],
    shell:
        "python -m bench.figures.figure7 --rows {params.rows} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of}"
        " --backbone {params.backbone} --flow {params.flow} --seed {params.seed}"
        " --csv {output.csv:q} --svg {output.svg:q} --markdown {output.markdown:q} 2>&1 | tee {log:q}"
