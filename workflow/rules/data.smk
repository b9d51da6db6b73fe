"""The built-in clips; published data that the settings name, brought where it is not there.

No rule has published data as its output, because Snakemake deletes outputs before it makes them
anew; the records in fetch/ stand for it, and say of published masks why an archive cannot be had:
the next run tries again.
"""

BY_HAND = jobs.by_hand()
if workflow.is_main_process:
    for text in BY_HAND.values():
        print(f"To be fetched by hand: {text}", file=sys.stderr)


rule mini_clips:
    input:
        whole=deleted.clips(),
    output:
        directory(f"{RESULTS}/data"),
    log:
        f"{RESULTS}/logs/mini_clips.log",
    benchmark:
        f"{RESULTS}/benchmarks/mini_clips.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        config=settings_file("mini", "mini"),
        settings=jobs.section("mini"),
        source=code_hash("data/builtin/clips.py"),
    shell:
        "python -m ttvos data mini --config {params.config:q} --out {output:q} > {log:q} 2>&1"


rule fetch:
    input:
        whole=lambda wildcards: deleted.fetched(
            f"fetch-{wildcards.source}",
            jobs.places()[wildcards.source],
            plan.fetched(wildcards.source),
        ),
    output:
        f"{RESULTS}/fetch/{{source}}.txt",
    log:
        f"{RESULTS}/logs/fetch/{{source}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fetch/{{source}}.tsv"
    wildcard_constraints:
        source=any_of(jobs.places().keys() - BY_HAND),
    priority: 2
    localrule: True
    conda:
        ENVIRONMENT
    params:
        root=settings.data,
        place=lambda wildcards: jobs.places()[wildcards.source],
    shell:
        "python -m ttvos data fetch {wildcards.source} --root {params.root:q} > {log:q} 2>&1"
        " && cp {log:q} {output:q}"


# Fails at once, saying what to do, before anything is downloaded.
use rule fetch as fetch_by_hand with:
    wildcard_constraints:
        source=any_of(BY_HAND),
    priority: 3


rule fetch_masks:
    input:
        whole=lambda wildcards: deleted.fetched(
            f"masks-{wildcards.method}-{wildcards.year}",
            plan.published_folder(wildcards.method, wildcards.year),
            plan.fetched_masks(wildcards.method, wildcards.year),
        ),
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
