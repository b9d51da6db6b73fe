"""Train each row with each seed: TTVOS, and FRTM-VOS for Table 5.

Settings and data make a training stale. Its code is recorded, no parameter of a rule: a changed
line must not throw days of training away, so a change is told of when Snakemake starts.
"""

import sys

from ttvos.training.folder import changed_code_notice

for tracker, part in (("ttvos", settings.train), ("frtm", settings.frtm)):
    if part and workflow.is_main_process:
        records = [
            plan.path("train", run.name, "train.json") for run in plan.runs_of(tracker)
        ]
        if told := changed_code_notice(records, code_hash(*part.modules)):
            print(told, file=sys.stderr)


# launch: what starts the processes of one training: torchrun where the profile's train section
# asks for several, each with a GPU and its share of the threads; in other words for several
# nodes (docs/cluster.md). cpus_per_task is for Slurm, which holds a job to it. Long jobs go first
# (priority), so that short ones, not a training on one core, stand at the end.
rule train:
    input:
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
        config=written_at_start(f"{RESULTS}/settings/train.json", section("train")),
        settings=section("train"),
        processes=PROCESSES,
        model=row_options,
        variant=row_parts,
        seed=lambda wildcards: plan.runs[wildcards.run].seed,
        out=lambda wildcards, output: os.path.dirname(output.record),
        device=settings.device,
    shell:
        "TTVOS_THREADS=$((({threads} + {params.processes} - 1) / {params.processes}))"
        " {resources.launch} -m ttvos train {params.model} --config {params.config:q}"
        " --seed {params.seed} --device {params.device:q} --out {params.out:q} 2> {log:q}"


rule train_frtm:
    input:
        data=lambda wildcards: data_of(settings.frtm.all_roots()),
        initial=initial_frtm,
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
        config=written_at_start(f"{RESULTS}/settings/frtm.json", section("frtm")),
        settings=section("frtm"),
        row=lambda wildcards: plan.runs[wildcards.frtm_run].row.name,
        parts=lambda wildcards: as_plain(plan.runs[wildcards.frtm_run].row),
        seed=lambda wildcards: plan.runs[wildcards.frtm_run].seed,
        out=lambda wildcards, output: os.path.dirname(output.record),
        device=settings.device,
    shell:
        "TTVOS_THREADS={threads} python -m ttvos train --row {params.row:q}"
        " --config {params.config:q} --seed {params.seed} --device {params.device:q}"
        " --out {params.out:q} 2> {log:q}"
