"""Track every sequence: with each run's checkpoint, and with the trackers that learn nothing."""


# --compile off: masks do not hang on what a cache of compiled code happens to hold.
rule predict:
    input:
        checkpoint=lambda wildcards: plan.checkpoint(wildcards.run),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
        whole=lambda wildcards: deleted.masks(wildcards.run, wildcards.dataset),
    output:
        masks=directory(f"{RESULTS}/predict/{{run}}/{{dataset}}"),
        maps=f"{RESULTS}/predict/{{run}}/{{dataset}}.maps.npz",
    log:
        f"{RESULTS}/logs/predict/{{run}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/predict/{{run}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(6000),
        runtime=240,
    params:
        model=lambda wildcards: jobs.row_options(wildcards.run),
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        single=settings.single_object,
        scale=lambda wildcards: settings.datasets[wildcards.dataset].input_scale,
        device=settings.device,
        precision=settings.precision,
        maps=lambda wildcards: "--all-maps" * (wildcards.run in plan.mapped_trainings),
        source=code_hash("tracking/predict.py", "engine/tracker.py", "model/weights.py"),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos predict --checkpoint {input.checkpoint:q}"
        " {params.model} {params.dataset} --single-object {params.single:q}"
        " --input-scale {params.scale} --device {params.device:q}"
        " --precision {params.precision} --compile off {params.maps}"
        " --out {output.masks:q} --maps {output.maps:q} > {log:q} 2>&1"


rule reference:
    input:
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
        whole=lambda wildcards: deleted.masks(wildcards.reference, wildcards.dataset),
    output:
        masks=directory(f"{RESULTS}/predict/{{reference}}/{{dataset}}"),
    log:
        f"{RESULTS}/logs/predict/{{reference}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/reference/{{reference}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2000),
        runtime=120,
    params:
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        source=code_hash("tracking/baselines.py", "tracking/predict.py"),
    shell:
        "python -m ttvos predict --reference {wildcards.reference} {params.dataset}"
        " --out {output.masks:q} > {log:q} 2>&1"


# FRTM-VOS as trained here, peers with weights, users' classes.
rule track:
    input:
        weights=lambda wildcards: plan.tracked[wildcards.tracked][1] or [],
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
        whole=lambda wildcards: deleted.masks(wildcards.tracked, wildcards.dataset),
    output:
        masks=directory(f"{RESULTS}/predict/{{tracked}}/{{dataset}}"),
    log:
        f"{RESULTS}/logs/predict/{{tracked}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/track/{{tracked}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(6000),
        runtime=240,
    params:
        tracker=lambda wildcards: plan.tracked[wildcards.tracked][0],
        weights=lambda wildcards: jobs.weights_option(wildcards.tracked),
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        scale=lambda wildcards: settings.datasets[wildcards.dataset].input_scale,
        device=settings.device,
        source=code_hash(
            "tracking/predict.py", "tracking/registry.py", "tracking/adapters.py"
        ),
        tracker_source=lambda wildcards: tracker_code(
            plan.tracked[wildcards.tracked][0]
        ),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos predict --tracker {params.tracker:q}"
        " {params.weights} {params.dataset} --input-scale {params.scale}"
        " --device {params.device:q}"
        " --out {output.masks:q} > {log:q} 2>&1"
