"""Track every sequence: with each run's checkpoint, and with the trackers that learn nothing."""


wildcard_constraints:
    dataset="|".join(settings.datasets),
    reference="still|flow",
    run="|".join(plan.runs) or "none",


def dataset_data(wildcards):
    return data_of([settings.datasets[wildcards.dataset].root])


def dataset_options(wildcards):
    """--dataset, --year and --split of a dataset, and the profile's name for the record."""
    dataset = settings.datasets[wildcards.dataset]
    return (
        f"--dataset '{dataset.root}' --year {dataset.year} --split {dataset.split}"
        f" --profile {settings.profile}"
    )


rule predict:
    input:
        checkpoint=lambda wildcards: plan.checkpoint(wildcards.run),
        data=dataset_data,
    output:
        masks=directory(f"{RESULTS}/predict/{{run}}/{{dataset}}"),
        maps=f"{RESULTS}/predict/{{run}}/{{dataset}}.maps.npz",
    log:
        f"{RESULTS}/logs/predict/{{run}}-{{dataset}}.log",
    threads: 1
    resources:
        gpu=int(settings.device == "cuda"),
    params:
        dataset=dataset_options,
        single=settings.single_object,
        device=settings.device,
        source=source_hash(
            "model", "predict.py", "maps.py", "video.py", "data/davis.py"
        ),
    shell:
        "TTVOS_THREADS={threads} ttvos predict --checkpoint {input.checkpoint} {params.dataset}"
        " --single-object {params.single} --device {params.device}"
        " --out {output.masks} --maps {output.maps} 2> {log}"


rule reference:
    input:
        data=dataset_data,
    output:
        masks=directory(f"{RESULTS}/predict/{{reference}}/{{dataset}}"),
    log:
        f"{RESULTS}/logs/predict/{{reference}}-{{dataset}}.log",
    params:
        dataset=dataset_options,
        source=source_hash("references.py", "predict.py", "video.py", "data/davis.py"),
    shell:
        "ttvos predict --reference {wildcards.reference} {params.dataset}"
        " --out {output.masks} 2> {log}"
