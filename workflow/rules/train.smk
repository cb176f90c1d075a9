# One job for each entry under `training`, and for each ablation of one.
from colorize.settings import cost_of

TRAININGS, recolored_for = PLAN.trainings, PLAN.recolored_for


rule train:
    input:
        unpack(lambda wildcards: PLAN.validation_clips()),
        clips="<results>/clips/train.parquet",
        flow=PLAN.flow_table("train"),
        clip_references="<results>/references/clips/train.parquet",
        photos="<results>/images/train.parquet",
        photo_references="<results>/references/images/train.parquet",
        validation="<results>/images/validation.parquet",
        recolored=lambda wildcards: recolored_for(wildcards.training),
    output:
        checkpoint="<results>/train/{training}/model.safetensors",
        summary="<results>/train/{training}/summary.json",
        curves="<results>/train/{training}/metrics.jsonl",
        board=directory("<results>/train/{training}/tensorboard"),
    log:
        "<logs>/train/{training}.log",
    benchmark:
        "<logs>/train/{training}.benchmark.tsv"
    priority: lambda wildcards: 100 + cost_of(TRAININGS[wildcards.training])
    threads: lambda wildcards: PLAN.machines_of(wildcards.training)["cores"]
    resources:
        **asked("train"),
        weights=WEIGHTS,
        execution=lambda wildcards: as_json(execution(TRAININGS[wildcards.training])),
    params:
        version=version_of("bench/run/train.py"),
        method=lambda wildcards: version_of(f"bench/methods/{TRAININGS[wildcards.training]['method']}.py"),
        inputs=flags,
        settings=lambda wildcards: as_json(deciding(TRAININGS[wildcards.training])),
        backbone=config["backbone"],
        seed=config["seed"],
    shell:
        "python -m bench.run.train {params.inputs} --settings {params.settings:q} --execution {resources.execution:q} --backbone {params.backbone}"
        " --weights {resources.weights:q} --seed {params.seed}"
        " --out $(dirname {output.checkpoint:q}) > {log:q} 2>&1"
