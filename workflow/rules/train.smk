"""Train each row with each seed."""

TRAIN_SOURCES = ("model", "data", "training", "losses.py", "train.py", "checkpoint.py")


def initial_weights(wildcards):
    """The file a run's backbone starts from, where it is a file."""
    source = settings.train.initial.get(plan.runs[wildcards.run].row.backbone)
    return [source] if source not in (None, "imagenet") else []


def training_data(wildcards):
    return data_of([root for stage in settings.train.stages for root in stage.roots])


rule train:
    input:
        settings=section("train", "train") if settings.train else [],
        data=training_data,
        initial=initial_weights,
    output:
        checkpoint=f"{RESULTS}/train/{{run}}/checkpoint.safetensors",
        losses=f"{RESULTS}/train/{{run}}/loss.csv",
        record=f"{RESULTS}/train/{{run}}/train.json",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    threads: 1
    resources:
        gpu=int(settings.device == "cuda"),
    params:
        variant=lambda wildcards: as_plain(plan.runs[wildcards.run].row.variant),
        name=lambda wildcards: plan.runs[wildcards.run].row.variant.name,
        backbone=lambda wildcards: plan.runs[wildcards.run].row.backbone,
        seed=lambda wildcards: plan.runs[wildcards.run].seed,
        out=lambda wildcards, output: os.path.dirname(output.record),
        device=settings.device,
        source=source_hash(*TRAIN_SOURCES),
    shell:
        "TTVOS_THREADS={threads} ttvos train --variant {params.name} --backbone {params.backbone}"
        " --config {input.settings} --seed {params.seed} --device {params.device}"
        " --out {params.out} 2> {log}"
