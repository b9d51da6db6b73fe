"""Score masks by the DAVIS protocol: predictions, anybody's masks, and what peers published."""


rule evaluate:
    input:
        masks=lambda wildcards: plan.masks_of(wildcards.who, wildcards.dataset),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
    output:
        report(
            f"{RESULTS}/evaluate/{{who}}/{{dataset}}.json",
            caption="../report/scores.rst",
            category="Scores",
            subcategory="{dataset}",
            labels={"masks": "{who}"},
        ),
    log:
        f"{RESULTS}/logs/evaluate/{{who}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{who}}-{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=120,
    params:
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        source=code_hash("evaluation/davis.py"),
    shell:
        "python -m ttvos evaluate --masks {input.masks:q} {params.dataset} --workers {threads}"
        " --out {output:q} > {log:q} 2>&1"


# Where an archive of masks could not be had, the score file says so.
rule published:
    input:
        masks=lambda wildcards: plan.published_input(
            wildcards.method, wildcards.dataset
        ),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
    output:
        report(
            f"{RESULTS}/published/{{method}}/{{dataset}}.json",
            caption="../report/scores.rst",
            category="Scores",
            subcategory="{dataset}",
            labels={"masks": "published by {method}"},
        ),
    log:
        f"{RESULTS}/logs/published/{{method}}-{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/published/{{method}}-{{dataset}}.tsv"
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
        fetched=lambda wildcards, input: shlex.join(
            ["--fetched", input.masks] if settings.published.fetch else []
        ),
        source=code_hash("evaluation/davis.py"),
    shell:
        "python -m ttvos evaluate --masks {params.folder:q} {params.dataset} {params.fetched}"
        " --workers {threads} --out {output:q} > {log:q} 2>&1"


# Where the DAVIS site's record is given: what it printed of the same masks.
rule site:
    input:
        scores=lambda wildcards: list(jobs.site_scores(wildcards.dataset).values()),
        record=jobs.data_of([settings.davis_record or ""]),
    output:
        f"{RESULTS}/site/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/site/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/site/{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        record=settings.davis_record,
        scores=lambda wildcards: shlex.join(
            f"{method}={path}"
            for method, path in jobs.site_scores(wildcards.dataset).items()
        ),
        source=code_hash("evaluation/site.py"),
    shell:
        "python -m ttvos site --record {params.record:q} --scores {params.scores}"
        " --out {output:q} > {log:q} 2>&1"
