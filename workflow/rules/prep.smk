# From raw sources to what training and scoring read. A table and the folder of its name belong together.
# A set is prepared in shards, one job each; the tables of its shards are then gathered into its own.
DATASETS, registered, gallery_of = SETS.datasets, SETS.registered, SETS.gallery_of
filters_of, shards_of, shard_tables, threads_for = SETS.filters_of, SETS.shards_of, SETS.shard_tables, SETS.threads_for
folder_of_set = lambda wildcards, output: folder_of_items(output.table)


rule sources:
    input:
        datasets=ancient(DATASETS),
    output:
        table="<results>/sources/{kind}/{split}.parquet",
    log:
        "<logs>/sources/{kind}/{split}.log",
    benchmark:
        "<logs>/sources/{kind}/{split}.benchmark.tsv"
    priority: 10  # everything waits for these: before a training takes a core
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/sources.py"),
        registered=lambda wildcards: registered(config[wildcards.kind]["sets"][wildcards.split]),
        selections=lambda wildcards: as_json(config[wildcards.kind]["sets"][wildcards.split]["from"]),
        length=config["clips"]["length"],
    shell:
        "python -m prep.sources --datasets {input.datasets:q} --selections {params.selections:q}"
        " --kind {wildcards.kind} --length {params.length}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


rule clips:
    input:
        sources="<results>/sources/clips/{filmed}.parquet",
    output:
        table="<results>/shards/clips/{filmed}/{shard}.parquet",
    log:
        "<logs>/clips/{filmed}/{shard}.log",
    benchmark:
        "<logs>/clips/{filmed}/{shard}.benchmark.tsv"
    priority: 10
    threads: lambda wildcards: threads_for("clips", wildcards.filmed)
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/clips.py"),
        shards=lambda wildcards: shards_of("clips", wildcards.filmed),
        filters=lambda wildcards: as_json(filters_of("clips", wildcards.filmed)),
        size=config["clips"]["size"],
        per_source=lambda wildcards: config["clips"]["sets"][wildcards.filmed].get("per_source"),
        frames=folder_of_set,
        scheduler=config["dask_scheduler"],
    shell:
        "python -m prep.clips --sources {input.sources:q} --shard {wildcards.shard} --shards {params.shards}"
        " --size {params.size}"
        " --per-source {params.per_source} --filters {params.filters:q} --frames {params.frames:q}"
        " --workers {threads} --scheduler {params.scheduler:q} --table {output.table:q} 2>&1 | tee {log:q}"


rule images:
    input:
        sources="<results>/sources/images/{split}.parquet",
    output:
        table="<results>/shards/images/{split}/{shard}.parquet",
    log:
        "<logs>/images/{split}/{shard}.log",
    benchmark:
        "<logs>/images/{split}/{shard}.benchmark.tsv"
    priority: 10
    threads: lambda wildcards: threads_for("images", wildcards.split)
    resources:
        mem_mb=1000,
    params:
        version=version_of("prep/images.py"),
        shards=lambda wildcards: shards_of("images", wildcards.split),
        filters=lambda wildcards: as_json(filters_of("images", wildcards.split)),
        size=lambda wildcards: config["images"]["sets"][wildcards.split]["size"],
        frames=folder_of_set,
        scheduler=config["dask_scheduler"],
    shell:
        "python -m prep.images --sources {input.sources:q} --shard {wildcards.shard} --shards {params.shards}"
        " --size {params.size} --filters {params.filters:q} --frames {params.frames:q}"
        " --workers {threads} --scheduler {params.scheduler:q} --table {output.table:q} 2>&1 | tee {log:q}"


rule gather:
    input:
        unpack(lambda wildcards: SETS.claimed_by_others(wildcards.kind, wildcards.split)),
        sources="<results>/sources/{kind}/{split}.parquet",
        shards=lambda wildcards: shard_tables(f"<results>/shards/{wildcards.kind}", wildcards.kind, wildcards.split),
    output:
        table="<results>/{kind}/{split}.parquet",
    log:
        "<logs>/gather/{kind}/{split}.log",
    benchmark:
        "<logs>/gather/{kind}/{split}.benchmark.tsv"
    priority: 10
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/gather.py"),
        inputs=flags,
        duplicates=lambda wildcards: filters_of(wildcards.kind, wildcards.split)["duplicates"],
    shell:
        "python -m prep.gather items {params.inputs} --duplicates {params.duplicates}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


rule renderings:
    input:
        photos=lambda wildcards: f"<results>/images/{config['clips']['sets'][wildcards.rendered]['rendered']['photos']}.parquet",
    output:
        table="<results>/clips/{rendered}.parquet",
    log:
        "<logs>/renderings/{rendered}.log",
    benchmark:
        "<logs>/renderings/{rendered}.benchmark.tsv"
    priority: 10
    threads: 2
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/renderings.py"),
        size=config["clips"]["size"],
        length=config["clips"]["length"],
        wanted=lambda wildcards: config["clips"]["sets"][wildcards.rendered]["rendered"]["count"],
        filters=lambda wildcards: as_json(filters_of("clips", wildcards.rendered)),
        receipts=lambda wildcards, output: f"{Path(output.table).parents[1]}/shards/renderings/{wildcards.rendered}",
        seed=config["seed"],
        scheduler=config["dask_scheduler"],
    shell:
        "python -m prep.renderings --photos {input.photos:q} --size {params.size} --length {params.length}"
        " --count {params.wanted} --seed {params.seed} --filters {params.filters:q} --receipts {params.receipts:q}"
        " --workers {threads} --scheduler {params.scheduler:q} --table {output.table:q} 2>&1 | tee {log:q}"


rule flow:
    input:
        clips="<results>/clips/{split}.parquet",
    output:
        table="<results>/shards/flow/{estimator}/{split}/{shard}.parquet",
    log:
        "<logs>/flow/{estimator}/{split}/{shard}.log",
    benchmark:
        "<logs>/flow/{estimator}/{split}/{shard}.benchmark.tsv"
    priority: 10
    threads: lambda wildcards: threads_for("clips", wildcards.split)
    resources:
        mem_mb=2000,
    params:
        version=version_of("prep/flow.py"),
        shards=lambda wildcards: shards_of("clips", wildcards.split),
        weights=WEIGHTS,
        flows=folder_of_set,
        scheduler=config["dask_scheduler"],
    shell:
        "python -m prep.flow --clips {input.clips:q} --shard {wildcards.shard} --shards {params.shards}"
        " --estimator {wildcards.estimator:q} --weights {params.weights:q} --flows {params.flows:q}"
        " --workers {threads} --scheduler {params.scheduler:q} --table {output.table:q} 2>&1 | tee {log:q}"


rule gather_flow:
    input:
        clips="<results>/clips/{split}.parquet",
        shards=lambda wildcards: shard_tables(f"<results>/shards/flow/{wildcards.estimator}", "clips", wildcards.split),
    output:
        table="<results>/flow/{estimator}/{split}.parquet",
    log:
        "<logs>/gather_flow/{estimator}/{split}.log",
    benchmark:
        "<logs>/gather_flow/{estimator}/{split}.benchmark.tsv"
    priority: 10
    resources:
        mem_mb=1000,
    params:
        version=version_of("prep/gather.py"),
    shell:
        "python -m prep.gather flow --clips {input.clips:q} --shards {input.shards:q}"
        " --table {output.table:q} 2>&1 | tee {log:q}"


rule gallery:
    input:
        sources="<results>/sources/images/{gallery}.parquet",
    output:
        table="<results>/gallery/{gallery}/{shard}.parquet",
        features="<results>/gallery/{gallery}/{shard}.npy",
    log:
        "<logs>/gallery/{gallery}/{shard}.log",
    benchmark:
        "<logs>/gallery/{gallery}/{shard}.benchmark.tsv"
    resources:
        mem_mb=3000,
    params:
        version=version_of("prep/gallery.py"),
        verdicts=version_of("prep/images.py"),
        scheduler=config["dask_scheduler"],
        shards=lambda wildcards: shards_of("gallery", wildcards.gallery),
        filters=lambda wildcards: as_json(filters_of("images", wildcards.gallery)),
        size=lambda wildcards: config["images"]["sets"][wildcards.gallery]["size"],
        backbone=config["backbone"],
        weights=WEIGHTS,
    shell:
        "python -m prep.gallery --sources {input.sources:q} --shard {wildcards.shard} --shards {params.shards}"
        " --size {params.size} --filters {params.filters:q} --backbone {params.backbone} --weights {params.weights:q}"
        " --workers {threads} --scheduler {params.scheduler:q} --table {output.table:q} 2>&1 | tee {log:q}"


rule references:
    input:
        queries="<results>/{kind}/{split}.parquet",
        gallery=lambda wildcards: shard_tables("<results>/gallery", "gallery", gallery_of(wildcards.split)),
        features=lambda wildcards: shard_tables("<results>/gallery", "gallery", gallery_of(wildcards.split), "npy"),
    output:
        table="<results>/references/{kind}/{split}.parquet",
    log:
        "<logs>/references/{kind}/{split}.log",
    benchmark:
        "<logs>/references/{kind}/{split}.benchmark.tsv"
    resources:
        mem_mb=4000,
    params:
        version=version_of("prep/references.py"),
        backbone=config["backbone"],
        classifier=config["classifier"],
        weights=WEIGHTS,
        wanted=config["references"]["count"],
        within=config["references"]["within"],
        sheets=lambda wildcards: "--sheets" if wildcards.kind == "clips" else "--no-sheets",
    shell:
        "python -m prep.references --queries {input.queries:q} --gallery {input.gallery:q}"
        " --backbone {params.backbone} --classifier {params.classifier} --weights {params.weights:q}"
        " --within {params.within} --count {params.wanted} {params.sheets}"
        " --table {output.table:q} 2>&1 | tee {log:q}"
