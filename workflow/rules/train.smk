"""Train each row with each seed: TTVOS, and FRTM-VOS for Table 5.

Settings and data make a training stale. Its code is recorded, no parameter of a rule: a changed
line must not throw days of training away, so a change is told of when Snakemake starts.
"""

PROCESSES = settings.train.processes if settings.train else 1  # of each training
WORKERS = settings.train.workers if settings.train else 0  # of each such process
TORCHRUN = "python -m torch.distributed.run --standalone --nproc-per-node"
LAUNCH = "python" if PROCESSES == 1 else f"{TORCHRUN} {PROCESSES}"
if workflow.is_main_process:
    for line in jobs.changed_training_code():
        print(line, file=sys.stderr)


# launch: what starts the processes of one training: torchrun where the settings' train section
# asks for several, each with a GPU and its share of the threads; in other words for several
# nodes (docs/cluster.md). cpus_per_task is for Slurm, which holds a job to it. Long jobs go first
# (priority), so that short ones, not a training on one core, stand at the end.
rule train:
    input:
        data=lambda wildcards: jobs.training_data("train", wildcards.run),
    output:
        checkpoint=f"{RESULTS}/train/{{run}}/checkpoint.safetensors",
        losses=f"{RESULTS}/train/{{run}}/loss.csv",
        record=f"{RESULTS}/train/{{run}}/train.json",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{run}}.tsv"
    priority: 1
    conda:
        ENVIRONMENT
    threads: PROCESSES
    resources:
        gpu=NEEDS_GPU * PROCESSES,
        mem_mb=memory(PROCESSES * (8000 + 1000 * WORKERS)),
        cpus_per_task=PROCESSES * (1 + WORKERS),
        runtime=1440,
        launch=LAUNCH,
    params:
        config=settings_file("train", "train"),
        settings=jobs.section("train"),
        processes=PROCESSES,
        model=lambda wildcards: jobs.row_options(wildcards.run),
        variant=lambda wildcards: as_plain(jobs.row(wildcards.run).variant),
        seed=lambda wildcards: plan.trainings[wildcards.run].seed,
        out=lambda wildcards, output: os.path.dirname(output.record),
        device=settings.device,
    shell:
        "TTVOS_THREADS=$((({threads} + {params.processes} - 1) / {params.processes}))"
        " {resources.launch} -m ttvos train {params.model} --config {params.config:q}"
        " --seed {params.seed} --device {params.device:q} --out {params.out:q} > {log:q} 2>&1"


rule train_frtm:
    input:
        data=lambda wildcards: jobs.training_data("frtm", wildcards.frtm_run),
    output:
        checkpoint=f"{RESULTS}/train/{{frtm_run}}/checkpoint.safetensors",
        losses=f"{RESULTS}/train/{{frtm_run}}/loss.csv",
        record=f"{RESULTS}/train/{{frtm_run}}/train.json",
    log:
        f"{RESULTS}/logs/train/{{frtm_run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_frtm/{{frtm_run}}.tsv"
    priority: 1
    conda:
        ENVIRONMENT
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(8000),
        runtime=1440,
    params:
        config=settings_file("frtm", "frtm"),
        settings=jobs.section("frtm"),
        row=lambda wildcards: jobs.row(wildcards.frtm_run).name,
        parts=lambda wildcards: as_plain(jobs.row(wildcards.frtm_run)),
        seed=lambda wildcards: plan.trainings[wildcards.frtm_run].seed,
        out=lambda wildcards, output: os.path.dirname(output.record),
        device=settings.device,
    shell:
        "TTVOS_THREADS={threads} python -m ttvos train --row {params.row:q}"
        " --config {params.config:q} --seed {params.seed} --device {params.device:q}"
        " --out {params.out:q} > {log:q} 2>&1"
