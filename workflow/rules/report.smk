# The report: one folder that opens in a browser from disk.
REPORTED_TABLES = ["table1", "table5", "propagation", "seconds"]
REPORTED_FIGURES = [f"figure{number}" for number in ("3", "4", "5", "6", "9", "10", *MULTIMODAL, *SHOWN_FIGURES)]


rule report:
    input:
        colorized=expand("<results>/colorize/{row}.parquet", row=ROWS),
        scores=expand("<results>/score/{row}.parquet", row=ROWS),
        clips="<results>/clips/test.parquet",
        images="<results>/images/test.parquet",
        clip_references="<results>/references/clips/test.parquet",
        image_references="<results>/references/images/test.parquet",
        tables=expand("<results>/{table}.json", table=REPORTED_TABLES),
        figure7="<results>/figure7.json",
        choices="<results>/choices.json",
        curves=expand("<results>/train/{training}/metrics.jsonl", training=PLAN.trainings_of(ROWS)),
        figures=expand("<results>/{figure}", figure=REPORTED_FIGURES),
    output:
        report(
            directory("<results>/report"),
            htmlindex="index.html",
            caption="../report/report.rst",
            category="Report",
        ),
    log:
        "<logs>/report.log",
    benchmark:
        "<logs>/report.benchmark.tsv"
    resources:
        **asked("report"),
    params:
        version=version_of("bench/report/__main__.py"),
        inputs=flags,
        results=lambda wildcards, output: str(Path(output[0]).parent),
        baseline="ours" if "ours" in config["methods"] else list(config["methods"])[0],
    shell:
        "python -m bench.report {params.inputs} --results {params.results:q} --baseline {params.baseline}"
        " --out {output:q} > {log:q} 2>&1"
