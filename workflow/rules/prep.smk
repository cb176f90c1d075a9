# From raw sources to what training and scoring read. A table and the folder of its name belong together.


rule clips:
    input:
        datasets=ancient(DATASETS),
    output:
        table="<results>/clips/{filmed}.parquet",
    log:
        "<logs>/clips/{filmed}.log",
    benchmark:
        "<logs>/clips/{filmed}.benchmark.tsv"
    priority: 10  # everything waits for these: before a training takes a core
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/clips.py"),
        registered=lambda wildcards: registered(config["clips"]["sets"][wildcards.filmed]),
        selections=lambda wildcards: as_json(config["clips"]["sets"][wildcards.filmed]["from"]),
        filters=lambda wildcards: as_json(
            config["filter"] | config["clips"]["sets"][wildcards.filmed].get("filter", {})
        ),
        size=config["clips"]["size"],
        length=config["clips"]["length"],
    shell:
        "python -m prep.clips --datasets {input.datasets:q} --selections {params.selections:q}"
        " --filters {params.filters:q} --size {params.size} --length {params.length}"
        " --workers {threads} --table {output.table:q} 2>&1 | tee {log:q}"


rule renderings:
    input:
        photos=lambda wildcards: f"<results>/images/{config['clips']['sets'][wildcards.rendered]['rendered']['photos']}.parquet",
    output:
        table="<results>/clips/{rendered}.parquet",
    log:
        "<logs>/renderings/{rendered}.log",
    benchmark:
        "<logs>/renderings/{rendered}.benchmark.tsv"
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/renderings.py"),
        size=config["clips"]["size"],
        length=config["clips"]["length"],
        wanted=lambda wildcards: config["clips"]["sets"][wildcards.rendered]["rendered"]["count"],
        seed=config["seed"],
    shell:
        "python -m prep.renderings --photos {input.photos:q} --size {params.size} --length {params.length}"
        " --count {params.wanted} --seed {params.seed} --workers {threads} --table {output.table:q} 2>&1 | tee {log:q}"


rule images:
    input:
        datasets=ancient(DATASETS),
    output:
        table="<results>/images/{split}.parquet",
    log:
        "<logs>/images/{split}.log",
    benchmark:
        "<logs>/images/{split}.benchmark.tsv"
    resources:
        mem_mb=1000,
    params:
        version=version_of("prep/images.py"),
        registered=lambda wildcards: registered(config["images"]["sets"][wildcards.split]),
        selections=lambda wildcards: as_json(config["images"]["sets"][wildcards.split]["from"]),
        filters=lambda wildcards: as_json(
            config["filter"] | config["images"]["sets"][wildcards.split].get("filter", {})
        ),
        size=lambda wildcards: config["images"]["sets"][wildcards.split]["size"],
    shell:
        "python -m prep.images --datasets {input.datasets:q} --selections {params.selections:q}"
        " --filters {params.filters:q} --size {params.size} --table {output.table:q} 2>&1 | tee {log:q}"


rule flow:
    input:
        clips="<results>/clips/{split}.parquet",
    output:
        table="<results>/flow/{estimator}/{split}.parquet",
    log:
        "<logs>/flow/{estimator}/{split}.log",
    benchmark:
        "<logs>/flow/{estimator}/{split}.benchmark.tsv"
    priority: 10  # everything waits for these: before a training takes a core
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/flow.py"),
        weights=WEIGHTS,
    shell:
        "python -m prep.flow --clips {input.clips:q} --estimator {wildcards.estimator:q}"
        " --weights {params.weights:q} --workers {threads} --table {output.table:q} 2>&1 | tee {log:q}"


rule references:
    input:
        queries="<results>/{kind}/{split}.parquet",
        gallery=lambda wildcards: f"<results>/images/{config['references']['gallery'][wildcards.split]}.parquet",
    output:
        table="<results>/references/{kind}/{split}.parquet",
    log:
        "<logs>/references/{kind}/{split}.log",
    benchmark:
        "<logs>/references/{kind}/{split}.benchmark.tsv"
    resources:
        mem_mb=3000,
    params:
        version=version_of("prep/references.py"),
        backbone=config["backbone"],
        weights=WEIGHTS,
        wanted=config["references"]["count"],
    shell:
        "python -m prep.references --queries {input.queries:q} --gallery {input.gallery:q}"
        " --backbone {params.backbone} --weights {params.weights:q} --count {params.wanted}"
        " --table {output.table:q} 2>&1 | tee {log:q}"
