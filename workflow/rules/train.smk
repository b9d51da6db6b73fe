"""Train each row with each seed."""


# launch: what starts the processes of one training; torchrun's words for several GPUs or nodes
# (docs/cluster.md).
rule train:
    input:
        settings=section("train", "train"),
        data=training_data,
        initial=initial_weights,
    output:
        checkpoint=f"{RESULTS}/train/{{run}}/checkpoint.safetensors",
        losses=f"{RESULTS}/train/{{run}}/loss.csv",
        record=f"{RESULTS}/train/{{run}}/train.json",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(8000),
        runtime=1440,
        launch="python",
    params:
        model=row_options,
        variant=row_parts,
        seed=lambda wildcards: plan.runs[wildcards.run].seed,
        out=lambda wildcards, output: os.path.dirname(output.record),
        device=settings.device,
        source=training_code,
    shell:
        "TTVOS_THREADS={threads} {resources.launch} -m ttvos train {params.model}"
        " --config {input.settings:q} --seed {params.seed} --device {params.device:q}"
        " --out {params.out:q} 2> {log:q}"
