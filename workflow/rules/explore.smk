"""What the report's explorer loads: pictures, run-length masks and curves of each data set."""


# One job for all that is known of a data set: starting Python takes as long as writing a method.
rule explore:
    input:
        results=lambda wildcards: scored_files(plan, wildcards.dataset),
        data=lambda wildcards: jobs.dataset_data(wildcards.dataset),
        whole=lambda wildcards: deleted.explorer(wildcards.dataset),
    output:
        directory(f"{RESULTS}/explorer/{{dataset}}"),
    log:
        f"{RESULTS}/logs/explore/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/explore/{{dataset}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2000),
        runtime=60,
    params:
        manifest=MANIFEST,
        options=lambda wildcards: jobs.explorer_options(),
        dataset=lambda wildcards: jobs.dataset_options(wildcards.dataset),
        source=code_hash("report/explorer/explore.py"),
    shell:
        "python -m ttvos explore --manifest {params.manifest:q} --dataset {wildcards.dataset:q}"
        " {params.options} --out {output:q} > {log:q} 2>&1"
