# The paper's tables and Figure 7: scores of rows, averaged, compared and explained.


localrules:
    choices,


# What was chosen where the paper's choice may be another: captions and notes say what stands in for what.
rule choices:
    output:
        "<results>/choices.json",
    log:
        "<logs>/choices.log",
    params:
        choices=lambda wildcards: as_json(PLAN.choices),
    shell:
        "printf '%s\\n' {params.choices:q} > {output:q} 2> {log:q}"


rule table1:
    input:
        scores=expand("<results>/score/{row}.parquet", row=TABLE1_ROWS),
        colorized=expand("<results>/colorize/{row}.parquet", row=TABLE1_ROWS),
        clips="<results>/clips/test.parquet",
        images="<results>/images/test.parquet",
        summaries=expand("<results>/train/{training}/summary.json", training=PLAN.table1_trainings),
        choices="<results>/choices.json",
    output:
        csv=report("<results>/table1.csv", caption="../report/table1.rst", category="Tables"),
        markdown="<results>/table1.md",
        json="<results>/table1.json",
    log:
        "<logs>/table1.log",
    benchmark:
        "<logs>/table1.benchmark.tsv"
    resources:
        **asked("table1"),
        checkpoints=as_json(CHECKPOINTS),
    params:
        version=version_of("bench/tables/table1.py"),
        methods=lambda wildcards: as_json(config["methods"]),
        contents=lambda wildcards: [content_of_checkpoint(row) for row in config["methods"]],
        rows=list(config["methods"]),
        plus=lambda wildcards: as_json(config["flicker_plus"]),
        networks=lambda wildcards: as_json(PLAN.networks),
        clips_of=config["clips_of"]["table1"],
        seed=config["seed"],
    shell:
        "python -m bench.tables.table1 --rows {params.rows} --methods {params.methods:q} --scores {input.scores:q}"
        " --plus {params.plus:q} --networks {params.networks:q}"
        " --clips {input.clips:q} --images {input.images:q} --clips-of {params.clips_of} --colorized {input.colorized:q} --summaries {input.summaries:q} --checkpoints {resources.checkpoints:q}"
        " --choices {input.choices:q} --seed {params.seed} --csv {output.csv:q} --markdown {output.markdown:q} --json {output.json:q} > {log:q} 2>&1"


rule seconds:
    input:
        colorized=expand("<results>/colorize/{row}.parquet", row=TABLE1_ROWS),
        choices="<results>/choices.json",
    output:
        csv=report("<results>/seconds.csv", caption="../report/seconds.rst", category="Tables"),
        markdown="<results>/seconds.md",
        json="<results>/seconds.json",
    log:
        "<logs>/seconds.log",
    benchmark:
        "<logs>/seconds.benchmark.tsv"
    resources:
        **asked("seconds"),
        devices=as_json(PLAN.devices),
    params:
        version=version_of("bench/tables/seconds.py"),
        clip_size=config["clips"]["size"],
        image_size=config["images"]["sets"]["test"]["size"],
    shell:
        "python -m bench.tables.seconds --colorized {input.colorized:q} --devices {resources.devices:q}"
        " --clip-size {params.clip_size} --image-size {params.image_size} --choices {input.choices:q}"
        " --csv {output.csv:q} --markdown {output.markdown:q} --json {output.json:q} > {log:q} 2>&1"


rule table5:
    input:
        scores=expand("<results>/score/{row}.parquet", row=TABLE5_ROWS),
        colorized=expand("<results>/colorize/{row}.parquet", row=TABLE5_ROWS),
        summaries=expand("<results>/train/{training}/summary.json", training=TABLE5_TRAININGS),
        clips="<results>/clips/train.parquet",
        photos="<results>/images/train.parquet",
        choices="<results>/choices.json",
    output:
        csv=report("<results>/table5.csv", caption="../report/table5.rst", category="Tables"),
        markdown="<results>/table5.md",
        json="<results>/table5.json",
    log:
        "<logs>/table5.log",
    benchmark:
        "<logs>/table5.benchmark.tsv"
    resources:
        **asked("table5"),
    params:
        version=version_of("bench/tables/table5.py"),
        inputs=flags,
        rows=TABLE5_ROWS,
        full=FULL_ROW,
        methods=lambda wildcards: as_json({row: ROWS[row] for row in TABLE5_ROWS}),
        trainings=lambda wildcards: as_json({name: deciding(TRAININGS[name]) for name in TABLE5_TRAININGS}),
        seed=config["seed"],
    shell:
        "python -m bench.tables.table5 --rows {params.rows} --full {params.full} --methods {params.methods:q}"
        " --trainings {params.trainings:q} {params.inputs}"
        " --seed {params.seed} --csv {output.csv:q} --markdown {output.markdown:q} --json {output.json:q} > {log:q} 2>&1"


rule propagation:
    input:
        scores=expand("<results>/score/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
        choices="<results>/choices.json",
    output:
        csv=report("<results>/propagation.csv", caption="../report/propagation.rst", category="Tables"),
        markdown="<results>/propagation.md",
        json="<results>/propagation.json",
    log:
        "<logs>/propagation.log",
    benchmark:
        "<logs>/propagation.benchmark.tsv"
    resources:
        **asked("propagation"),
    params:
        version=version_of("bench/tables/propagation.py"),
        rows=FIRST_FRAME_ROWS,
        clips_of=config["clips_of"]["figure7"],
        seed=config["seed"],
    shell:
        "python -m bench.tables.propagation --rows {params.rows} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of}"
        " --choices {input.choices:q} --seed {params.seed}"
        " --csv {output.csv:q} --markdown {output.markdown:q} --json {output.json:q} > {log:q} 2>&1"


rule figure7:
    input:
        scores=expand("<results>/score/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
        choices="<results>/choices.json",
    output:
        csv="<results>/figure7.csv",
        svg=report("<results>/figure7.svg", caption="../report/figure7.rst", category="Figures"),
        markdown="<results>/figure7.md",
        json="<results>/figure7.json",
    log:
        "<logs>/figure7.log",
    benchmark:
        "<logs>/figure7.benchmark.tsv"
    resources:
        **asked("figure7"),
    params:
        version=version_of("bench/figures/figure7.py"),
        rows=FIRST_FRAME_ROWS,
        clips_of=config["clips_of"]["figure7"],
        seed=config["seed"],
    shell:
        "python -m bench.figures.figure7 --rows {params.rows} --scores {input.scores:q}"
        " --clips {input.clips:q} --clips-of {params.clips_of}"
        " --choices {input.choices:q} --seed {params.seed}"
        " --csv {output.csv:q} --svg {output.svg:q} --markdown {output.markdown:q} --json {output.json:q} > {log:q} 2>&1"
