"""What trackers lose when their input gets worse (docs/stress.md), where a run asks for it."""


rule stress:
    input:
        weights=lambda wildcards: jobs.tracker_inputs(wildcards.stressed),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
    output:
        f"{RESULTS}/stress/{{stressed}}/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/stress/{{stressed}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/stress/{{stressed}}-{{dataset}}.tsv"
    wildcard_constraints:
        stressed=any_of(plan.stressed),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(6000),
        runtime=480,
    params:
        tracker=lambda wildcards: jobs.tracker_options(
            wildcards.stressed, wildcards.dataset
        ),
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        stresses=settings.stress.options if settings.stress else [],
        seed=settings.stress.seed if settings.stress else 0,
        source=code_hash("measure/stress.py", "engine/tracker.py", "model/weights.py"),
        tracker_source=lambda wildcards: (
            tracker_code(plan.tracked[wildcards.stressed][0])
            if wildcards.stressed in plan.tracked
            else ""
        ),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos stress {params.tracker} {params.dataset}"
        " --stresses {params.stresses} --stress-seed {params.seed}"
        " --out {output:q} > {log:q} 2>&1"
