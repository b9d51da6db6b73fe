"""Score masks by the DAVIS protocol: the runs', the references', and anybody's."""


rule evaluate:
    input:
        masks=lambda wildcards: plan.masks_of(wildcards.who, wildcards.dataset),
        data=dataset_data,
    output:
        f"{RESULTS}/evaluate/{{who}}/{{dataset}}.json",
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
        dataset=dataset_options,
        source=code_hash("evaluation/davis.py"),
    shell:
        "python -m ttvos evaluate --masks {input.masks:q} {params.dataset} --workers {threads}"
        " --out {output:q} > {log:q} 2>&1"
