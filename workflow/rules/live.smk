"""Live accuracy: J&F of the mask that is on screen while a camera does not wait (docs/live.md)."""


# Like `speed` it takes every core: it times the tracker, unless the run's speed file does.
rule live:
    input:
        who=lambda wildcards: jobs.live_inputs(wildcards.player, wildcards.dataset),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
    output:
        f"{RESULTS}/live/{{player}}/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/live/{{player}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/live/{{player}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(6000),
        runtime=240,
        slurm_extra="--exclusive",
    params:
        who=lambda wildcards: jobs.live_options(wildcards.player, wildcards.dataset),
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        rates=settings.live.rates if settings.live else [],
        seed=settings.live.seed if settings.live else 0,
        source=code_hash("measure/live.py"),
        player_source=lambda wildcards: jobs.live_code(wildcards.player),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos live {params.who} {params.dataset}"
        " --rates {params.rates} --seed {params.seed} --out {output:q} > {log:q} 2>&1"
