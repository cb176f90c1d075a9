# Every row colours the test clips and images, is scored, and becomes a line of the tables.


rule colorize:
    input:
        unpack(inputs_of_row),
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
        version=version_of("bench/colorize.py"),
        method=lambda wildcards: version_of(code_of(wildcards.row)),
        inputs=flags,
        options=lambda wildcards: as_json(config["methods"][wildcards.row]),
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        weights=WEIGHTS,
        seed=config["seed"],
    shell:
        "python -m bench.colorize --row {wildcards.row} --options {params.options:q} {params.inputs}"
        " --reference-size {params.reference_size}"
        " --backbone {params.backbone} --weights {params.weights:q} --seed {params.seed}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


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
        version=version_of("bench/score.py"),
        metrics=[version_of(path) for path in sorted((ROOT / "bench/metrics").glob("[!_]*.py"))],
        inputs=flags,
        classifier=config["classifier"],
        fid_features=config["fid_features"],
        weights=WEIGHTS,
    shell:
        "python -m bench.score --row {wildcards.row} {params.inputs} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --weights {params.weights:q}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


rule table1:
    input:
        scores=expand("<results>/score/{row}.parquet", row=config["methods"]),
        colorized=expand("<results>/colorize/{row}.parquet", row=config["methods"]),
        clips="<results>/clips/test.parquet",
        summaries=expand("<results>/train/{training}/summary.json", training=config["training"]),
        checkpoints=list(CHECKPOINTS.values()),
    output:
        csv="<results>/table1.csv",
        markdown="<results>/table1.md",
    log:
        "<logs>/table1.log",
    benchmark:
        "<logs>/table1.benchmark.tsv"
    params:
        version=version_of("bench/table1.py"),
        methods=lambda wildcards: as_json(config["methods"]),
        checkpoints=lambda wildcards, input: as_json(dict(zip(CHECKPOINTS, input.checkpoints))),
        rows=list(config["methods"]),
        clips_of=config["clips_of"]["table1"],
        backbone=config["backbone"],
        classifier=config["classifier"],
        fid_features=config["fid_features"],
        flow=config["flow"],
        scoring_flow=config["flow_for_scoring"],
        seed=config["seed"],
    shell:
        "python -m bench.table1 --rows {params.rows} --methods {params.methods:q} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of} --colorized {input.colorized:q} --summaries {input.summaries:q} --checkpoints {params.checkpoints:q}"
        " --backbone {params.backbone} --classifier {params.classifier}"
        " --fid-features {params.fid_features} --flow {params.flow} --scoring-flow {params.scoring_flow}"
        " --seed {params.seed} --csv {output.csv:q} --markdown {output.markdown:q} 2>&1 | tee {log:q}"


rule propagation:
    input:
        scores=expand("<results>/score/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
    output:
        csv="<results>/propagation.csv",
        markdown="<results>/propagation.md",
    log:
        "<logs>/propagation.log",
    benchmark:
        "<logs>/propagation.benchmark.tsv"
    params:
        version=version_of("bench/propagation.py"),
        rows=FIRST_FRAME_ROWS,
        clips_of=config["clips_of"]["figure7"],
        backbone=config["backbone"],
        flow=config["flow"],
        seed=config["seed"],
    shell:
        "python -m bench.propagation --rows {params.rows} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of}"
        " --backbone {params.backbone} --flow {params.flow} --seed {params.seed}"
        " --csv {output.csv:q} --markdown {output.markdown:q} 2>&1 | tee {log:q}"


rule figure7:
    input:
        scores=expand("<results>/score/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
    output:
        csv="<results>/figure7.csv",
    log:
        "<logs>/figure7.log",
    benchmark:
        "<logs>/figure7.benchmark.tsv"
    params:
        version=version_of("bench/figure7.py"),
        rows=FIRST_FRAME_ROWS,
        clips_of=config["clips_of"]["figure7"],
        seed=config["seed"],
    shell:
        "python -m bench.figure7 --rows {params.rows} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of} --seed {params.seed} --csv {output.csv:q} 2>&1 | tee {log:q}"
