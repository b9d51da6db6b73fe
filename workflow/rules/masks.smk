"""Result masks that the methods of Table 3 published: brought where the profile says so, scored.

As in fetch.smk the masks are no rule's output, which Snakemake would delete first: the records in
fetch/published-masks/ stand for them. A record says too if an archive cannot be had, and why: then
the score file says so, and the next run tries again.
"""


wildcard_constraints:
    method=any_of(plan.published.scored),
    year="2016|2017",


rule fetch_masks:
    input:
        whole=whole_published,
    output:
        f"{RESULTS}/fetch/published-masks/{{method}}-{{year}}.json",
    log:
        f"{RESULTS}/logs/fetch_masks/{{method}}-{{year}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fetch_masks/{{method}}-{{year}}.tsv"
    priority: 2
    localrule: True
    conda:
        ENVIRONMENT
    params:
        root=settings.data,
    shell:
        "python -m ttvos data fetch published-masks --methods {wildcards.method}"
        " --years {wildcards.year} --root {params.root:q} --record {output:q} > {log:q} 2>&1"


rule published:
    input:
        masks=lambda wildcards: plan.published.inputs(
            wildcards.method, wildcards.dataset
        ),
        data=dataset_data,
    output:
        f"{RESULTS}/published/{{method}}/{{dataset}}.json",
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
        folder=lambda wildcards: plan.published.folder(
            wildcards.method, settings.datasets[wildcards.dataset].year
        ),
        dataset=dataset_options,
        fetched=lambda wildcards, input: shlex.join(
            ["--fetched", input.masks] if settings.published.fetch else []
        ),
        source=code_hash("evaluation/davis.py"),
    shell:
        "python -m ttvos evaluate --masks {params.folder:q} {params.dataset} {params.fetched}"
        " --workers {threads} --out {output:q} > {log:q} 2>&1"
