"""Where masks lost J&F, and when objects were lost (docs/failures.md): of all that is scored."""


rule failures:
    input:
        masks=lambda wildcards: plan.masks_of(wildcards.who, wildcards.dataset),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
        record=jobs.data_of([settings.davis_record or ""]),
    output:
        f"{RESULTS}/failures/{{who}}/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/failures/{{who}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/failures/{{who}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=120,
    params:
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        record=jobs.record_option(),
        source=code_hash("evaluation/failures.py"),
    shell:
        "python -m ttvos failures --masks {input.masks:q} {params.dataset} {params.record}"
        " --workers {threads} --out {output:q} > {log:q} 2>&1"


# Where an archive of masks could not be had, the file says so.
rule published_failures:
    input:
        masks=lambda wildcards: plan.published_input(
            wildcards.method, wildcards.dataset
        ),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
        record=jobs.data_of([settings.davis_record or ""]),
    output:
        f"{RESULTS}/published-failures/{{method}}/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/published_failures/{{method}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/published_failures/{{method}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=120,
    params:
        folder=lambda wildcards: plan.published_folder(
            wildcards.method, settings.datasets[wildcards.dataset].year
        ),
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        record=jobs.record_option(),
        fetched=lambda wildcards, input: shlex.join(
            ["--fetched", input.masks] if settings.published.fetch else []
        ),
        source=code_hash("evaluation/failures.py"),
    shell:
        "python -m ttvos failures --masks {params.folder:q} {params.dataset} {params.record}"
        " {params.fetched} --workers {threads} --out {output:q} > {log:q} 2>&1"
