# From raw sources to what training and scoring read. A table and the folder of its name belong together.
# A set is prepared in shards, one job each; the tables of its shards are then gathered into its own.
#
# Priorities, here and in train.smk and bench.smk: trainings, the longest first (100 and more); what they wait for (50);
# the rows of trained models (40); the rest of the preparation (10); everything else (0). No job here takes two cores:
# on a machine with two it would wait until both are free at once, and lighter jobs see to it that they never are.
DATASETS, registered, gallery_of = SETS.datasets, SETS.registered, SETS.gallery_of
states_of = or_else(stop, SETS.states)
set_of = lambda wildcards: config[wildcards.kind]["sets"][wildcards.split]
filters_of = SETS.filters_of
counts_of = lambda kind, split: f" --counts {quote(as_json(own))}" if (own := SETS.counts(kind, split)) else ""
folder_of_set = lambda wildcards, output: folder_of_items(output.table)


rule sources:
    output:
        table="<results>/sources/{kind}/{split}.parquet",
    log:
        "<logs>/sources/{kind}/{split}.log",
    benchmark:
        "<logs>/sources/{kind}/{split}.benchmark.tsv"
    priority: 50
    resources:
        **asked("sources"),
        datasets=DATASETS,
    params:
        version=version_of("prep/sources.py"),
        registered=lambda wildcards: registered(set_of(wildcards)),
        files=lambda wildcards: states_of(set_of(wildcards)),
        selections=lambda wildcards: as_json(set_of(wildcards)["from"]),
        length=config["clips"]["length"],
    shell:
        "python -m prep.sources --datasets {resources.datasets:q} --selections {params.selections:q}"
        " --kind {wildcards.kind} --length {params.length}"
        " --table {output.table:q} > {log:q} 2>&1"


rule clips:
    input:
        sources="<results>/sources/clips/{filmed}.parquet",
    output:
        table="<results>/shards/clips/{filmed}/{shard}.parquet",
    log:
        "<logs>/clips/{filmed}/{shard}.log",
    benchmark:
        "<logs>/clips/{filmed}/{shard}.benchmark.tsv"
    priority: 50
    resources:
        **asked("clips"),
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("prep/clips.py"),
        shards=lambda wildcards: shards_of("clips", wildcards.filmed),
        filters=lambda wildcards: as_json(filters_of("clips", wildcards.filmed)),
        size=config["clips"]["size"],
        per_source=lambda wildcards: config["clips"]["sets"][wildcards.filmed].get("per_source"),
        frames=folder_of_set,
    shell:
        "python -m prep.clips --sources {input.sources:q} --shard {wildcards.shard} --shards {params.shards}"
        " --size {params.size}"
        " --per-source {params.per_source} --filters {params.filters:q} --frames {params.frames:q}"
        " --workers {threads} --scheduler {resources.dask_scheduler:q} --table {output.table:q} > {log:q} 2>&1"


rule images:
    input:
        sources="<results>/sources/images/{split}.parquet",
    output:
        table="<results>/shards/images/{split}/{shard}.parquet",
    log:
        "<logs>/images/{split}/{shard}.log",
    benchmark:
        "<logs>/images/{split}/{shard}.benchmark.tsv"
    priority: 50
    resources:
        **asked("images"),
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("prep/images.py"),
        shards=lambda wildcards: shards_of("images", wildcards.split),
        filters=lambda wildcards: as_json(filters_of("images", wildcards.split)),
        size=lambda wildcards: config["images"]["sets"][wildcards.split]["size"],
        frames=folder_of_set,
    shell:
        "python -m prep.images --sources {input.sources:q} --shard {wildcards.shard} --shards {params.shards}"
        " --size {params.size} --filters {params.filters:q} --frames {params.frames:q}"
        " --workers {threads} --scheduler {resources.dask_scheduler:q} --table {output.table:q} > {log:q} 2>&1"


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
    priority: 50
    resources:
        **asked("gather"),
    params:
        version=version_of("prep/gather.py"),
        claimed=lambda wildcards, input: as_flags([("claimed", input.get("claimed", []))]),
        shards=lambda wildcards, input: folder_of_shards(input.shards),
        tables=lambda wildcards, input: len(input.shards),
        counts=lambda wildcards: counts_of(wildcards.kind, wildcards.split),
        duplicates=lambda wildcards: filters_of(wildcards.kind, wildcards.split)["duplicates"],
    shell:
        "python -m prep.gather items --sources {input.sources:q} {params.claimed}"
        " --shards {params.shards:q} --count {params.tables} --duplicates {params.duplicates}{params.counts}"
        " --table {output.table:q} > {log:q} 2>&1"


rule renderings:
    input:
        photos=lambda wildcards: f"<results>/images/{config['clips']['sets'][wildcards.rendered]['rendered']['photos']}.parquet",
    output:
        table="<results>/clips/{rendered}.parquet",
    log:
        "<logs>/renderings/{rendered}.log",
    benchmark:
        "<logs>/renderings/{rendered}.benchmark.tsv"
    priority: 50
    resources:
        **asked("renderings"),
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("prep/renderings.py"),
        size=config["clips"]["size"],
        length=config["clips"]["length"],
        wanted=lambda wildcards: config["clips"]["sets"][wildcards.rendered]["rendered"]["count"],
        filters=lambda wildcards: as_json(filters_of("clips", wildcards.rendered)),
        receipts=lambda wildcards, output: f"{Path(output.table).parents[1]}/shards/renderings/{wildcards.rendered}",
        seed=config["seed"],
    shell:
        "python -m prep.renderings --photos {input.photos:q} --size {params.size} --length {params.length}"
        " --count {params.wanted} --seed {params.seed} --filters {params.filters:q} --receipts {params.receipts:q}"
        " --workers {threads} --scheduler {resources.dask_scheduler:q} --table {output.table:q} > {log:q} 2>&1"


rule flow:
    input:
        clips="<results>/clips/{split}.parquet",
    output:
        table="<results>/shards/flow/{estimator}/{split}/{shard}.parquet",
    log:
        "<logs>/flow/{estimator}/{split}/{shard}.log",
    benchmark:
        "<logs>/flow/{estimator}/{split}/{shard}.benchmark.tsv"
    priority: lambda wildcards: 50 if wildcards.split in ("train", "validation") else 10
    resources:
        **asked("flow"),
        weights=WEIGHTS,
        dask_scheduler=config["dask_scheduler"],
        device=config["device"],
    params:
        version=version_of("prep/flow.py"),
        shards=lambda wildcards: shards_of("clips", wildcards.split),
        flows=folder_of_set,
    shell:
        "python -m prep.flow --clips {input.clips:q} --shard {wildcards.shard} --shards {params.shards}"
        " --estimator {wildcards.estimator:q} --weights {resources.weights:q} --flows {params.flows:q}"
        " --device {resources.device} --workers {threads} --scheduler {resources.dask_scheduler:q} --table {output.table:q} > {log:q} 2>&1"


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
    priority: lambda wildcards: 50 if wildcards.split in ("train", "validation") else 10
    resources:
        **asked("gather_flow"),
    params:
        version=version_of("prep/gather.py"),
        shards=lambda wildcards, input: folder_of_shards(input.shards),
        tables=lambda wildcards, input: len(input.shards),
    shell:
        "python -m prep.gather flow --clips {input.clips:q} --shards {params.shards:q} --count {params.tables}"
        " --table {output.table:q} > {log:q} 2>&1"


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
    priority: lambda wildcards: 50 if wildcards.gallery == gallery_of("train") else 10
    resources:
        **asked("gallery"),
        weights=WEIGHTS,
        device=config["device"],
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("prep/gallery.py"),
        shards=lambda wildcards: shards_of("gallery", wildcards.gallery),
        filters=lambda wildcards: as_json(filters_of("images", wildcards.gallery)),
        size=lambda wildcards: config["images"]["sets"][wildcards.gallery]["size"],
        backbone=config["backbone"],
    shell:
        "python -m prep.gallery --sources {input.sources:q} --shard {wildcards.shard} --shards {params.shards}"
        " --size {params.size} --filters {params.filters:q} --backbone {params.backbone} --weights {resources.weights:q}"
        " --device {resources.device} --workers {threads} --scheduler {resources.dask_scheduler:q} --table {output.table:q} > {log:q} 2>&1"


# The references of a set: found in this job or, where the set has several shards, gathered from theirs.
rule references:
    input:
        unpack(lambda wildcards: references_from(wildcards.kind, wildcards.split)),
    output:
        table="<results>/references/{kind}/{split}.parquet",
    log:
        "<logs>/references/{kind}/{split}.log",
    benchmark:
        "<logs>/references/{kind}/{split}.benchmark.tsv"
    priority: lambda wildcards: 50 if wildcards.split in ("train", "validation") else 10
    resources:
        **asked("references"),
        weights=WEIGHTS,
        device=config["device"],
        dask_scheduler=config["dask_scheduler"],
    params:
        version=version_of("prep/references.py"),
        backbone=config["backbone"],
        classifier=config["classifier"],
        wanted=config["references"]["count"],
        size=config["clips"]["size"],
        # Rows are given any rank of a clip's, and of a photograph's the first; a training crops to its own frame.
        pictures=lambda wildcards: (
            config["references"]["count"] if wildcards.kind == "clips" else int(wildcards.split == "test")
        ),
        within=config["references"]["within"],
        sheets=lambda wildcards: (
            "--sheets" if wildcards.kind == "clips" and config["references"]["sheets"] else "--no-sheets"
        ),
        gallery=lambda wildcards, input: folder_of_shards(input.get("gallery", [])),
        images=lambda wildcards, input: len(input.get("gallery", [])),
        part="",
        shards=lambda wildcards, input: folder_of_shards(input.get("shards", [])),
        searches=lambda wildcards, input: len(input.get("shards", [])),
    shell:
        "if [ {params.searches} = 0 ]; then"
        " python -m prep.references --queries {input.queries:q} {params.part} --gallery {params.gallery:q}"
        " --gallery-shards {params.images} --backbone {params.backbone} --classifier {params.classifier}"
        " --weights {resources.weights:q} --within {params.within} --count {params.wanted} --size {params.size}"
        " --pictures {params.pictures} {params.sheets} --device {resources.device} --workers {threads}"
        " --scheduler {resources.dask_scheduler:q} --table {output.table:q}; "
        "else"
        " python -m prep.gather_references --queries {input.queries:q} --shards {params.shards:q}"
        " --shards-count {params.searches} --within {params.within} --count {params.wanted}"
        " --pictures {params.pictures} {params.sheets} --table {output.table:q}; "
        "fi > {log:q} 2>&1"


use rule references as references_shard with:
    input:
        unpack(lambda wildcards: searched(wildcards.kind, wildcards.split)),
    output:
        table="<results>/shards/references/{kind}/{split}/{shard}.parquet",
    log:
        "<logs>/references_shard/{kind}/{split}/{shard}.log",
    benchmark:
        "<logs>/references_shard/{kind}/{split}/{shard}.benchmark.tsv"
    params:
        part=lambda wildcards, output: (
            f"--shard {wildcards.shard} --shards {searches_of(wildcards.kind, wildcards.split)}"
            f" --folder {quote(folder_of_items(output.table))}"
        ),
