# The paper's pictures: strips of frames in a folder for each figure, with the table of what is shown and a caption.

IMAGE_ROWS, AUTOMATIC_ROWS, MATCHING_ROWS = PLAN.image_rows, PLAN.automatic_rows, PLAN.matching_rows
MULTIMODAL, SHOWN_FIGURES = PLAN.multimodal, PLAN.shown_figures
colorized_by_rank, shown_rows, shown_set = PLAN.colorized_by_rank, PLAN.shown_rows, SETS.shown


rule figure4:
    input:
        images="<results>/images/test.parquet",
        image_references="<results>/references/images/test.parquet",
        checkpoints=[inputs_for(row, "test", ["images"])["checkpoint"] for row in MATCHING_ROWS],
    output:
        folder=directory("<results>/figure4"),
    log:
        "<logs>/figure4.log",
    benchmark:
        "<logs>/figure4.benchmark.tsv"
    resources:
        mem_mb=3000,
    params:
        version=version_of("bench/figures/figure4.py"),
        inputs=flags,
        rows=MATCHING_ROWS,
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        weights=WEIGHTS,
        shown=config["figures"]["images"],
    shell:
        "python -m bench.figures.figure4 {params.inputs} --rows {params.rows} --reference-size {params.reference_size}"
        " --backbone {params.backbone} --weights {params.weights:q} --count {params.shown}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


rule figure5:
    input:
        colorized=expand("<results>/colorize/{row}.parquet", row=TABLE5_ROWS),
        images="<results>/images/test.parquet",
        image_references="<results>/references/images/test.parquet",
    output:
        folder=directory("<results>/figure5"),
    log:
        "<logs>/figure5.log",
    benchmark:
        "<logs>/figure5.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/figure5.py"),
        inputs=flags,
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        flow=config["flow"],
        shown=config["figures"]["images"],
    shell:
        "python -m bench.figures.figure5 {params.inputs} --reference-size {params.reference_size}"
        " --backbone {params.backbone} --flow {params.flow} --count {params.shown}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


rule figure6:
    input:
        colorized=expand("<results>/colorize/{row}.parquet", row=IMAGE_ROWS),
        images="<results>/images/test.parquet",
        image_references="<results>/references/images/test.parquet",
    output:
        folder=directory("<results>/figure6"),
    log:
        "<logs>/figure6.log",
    benchmark:
        "<logs>/figure6.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/figure6.py"),
        inputs=flags,
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        flow=config["flow"],
        shown=config["figures"]["images"],
    shell:
        "python -m bench.figures.figure6 {params.inputs} --reference-size {params.reference_size}"
        " --backbone {params.backbone} --flow {params.flow} --count {params.shown}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


rule figure9:
    input:
        colorized=expand("<results>/colorize/{row}.parquet", row=FIRST_FRAME_ROWS),
        clips="<results>/clips/test.parquet",
    output:
        folder=directory("<results>/figure9"),
    log:
        "<logs>/figure9.log",
    benchmark:
        "<logs>/figure9.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/figure9.py"),
        inputs=flags,
        clips_of=config["clips_of"]["figure7"],
        backbone=config["backbone"],
        flow=config["flow"],
        shown=config["figures"]["clips"],
    shell:
        "python -m bench.figures.figure9 {params.inputs} --clips-of {params.clips_of}"
        " --backbone {params.backbone} --flow {params.flow} --count {params.shown}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


rule figure10:
    input:
        colorized=expand("<results>/colorize/{row}.parquet", row=AUTOMATIC_ROWS),
        clips="<results>/clips/test.parquet",
        clip_references="<results>/references/clips/test.parquet",
    output:
        folder=directory("<results>/figure10"),
    log:
        "<logs>/figure10.log",
    benchmark:
        "<logs>/figure10.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/figure10.py"),
        inputs=flags,
        clips_of=config["clips_of"]["table1"],
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        flow=config["flow"],
        shown=config["figures"]["clips"],
    shell:
        "python -m bench.figures.figure10 {params.inputs} --clips-of {params.clips_of} --reference-size {params.reference_size}"
        " --backbone {params.backbone} --flow {params.flow} --count {params.shown}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


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
    params:
        inputs=lambda wildcards, input, output: (
            f"{flags(wildcards, input)} {PLAN.shown_flags(wildcards.split, wildcards.rank)}"
            f" --results {quote(str(Path(output.table).parents[3]))}"
        ),


# Not a rule for each figure: the four of them show the same of four clips.
rule multimodal:
    input:
        clips="<results>/clips/test.parquet",
        clip_references="<results>/references/clips/test.parquet",
        colorized=[path for row in shown_rows("multimodal") for path in colorized_by_rank(row)],
    output:
        folder=directory("<results>/figure{multimodal}"),
    log:
        "<logs>/multimodal/figure{multimodal}.log",
    benchmark:
        "<logs>/multimodal/figure{multimodal}.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/multimodal.py"),
        inputs=flags,
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        flow=config["flow"],
        position=lambda wildcards: MULTIMODAL[wildcards.multimodal],
    shell:
        "python -m bench.figures.multimodal {params.inputs} --reference-size {params.reference_size}"
        " --backbone {params.backbone} --flow {params.flow} --position {params.position}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


rule figure15:
    input:
        clips=lambda wildcards: shown_set("legacy"),
        clip_references="<results>/references/clips/legacy.parquet",
        colorized=expand("<results>/colorize_shown/legacy/1/{row}.parquet", row=shown_rows("legacy")),
    output:
        folder=directory("<results>/figure15"),
    log:
        "<logs>/figure15.log",
    benchmark:
        "<logs>/figure15.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/figure15.py"),
        inputs=flags,
        reference_size=config["clips"]["size"],
        backbone=config["backbone"],
        flow=config["flow"],
    shell:
        "python -m bench.figures.figure15 {params.inputs} --reference-size {params.reference_size}"
        " --backbone {params.backbone} --flow {params.flow}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"


rule figure16:
    input:
        clips=lambda wildcards: shown_set("long"),
        colorized=expand("<results>/colorize_shown/long/1/{row}.parquet", row=shown_rows("long")),
    output:
        folder=directory("<results>/figure16"),
    log:
        "<logs>/figure16.log",
    benchmark:
        "<logs>/figure16.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("bench/figures/figure16.py"),
        inputs=flags,
        backbone=config["backbone"],
        flow=config["flow"],
    shell:
        "python -m bench.figures.figure16 {params.inputs} --backbone {params.backbone} --flow {params.flow}"
        " --folder {output.folder:q} 2>&1 | tee {log:q}"
