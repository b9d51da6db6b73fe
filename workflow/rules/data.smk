"""The built-in clips."""


rule mini_clips:
    input:
        whole=whole_clips(),
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
        config=written_at_start(f"{RESULTS}/settings/mini.json", section("mini")),
        settings=section("mini"),
        source=code_hash("data/builtin/clips.py"),
    shell:
        "python -m ttvos data mini --config {params.config:q} --out {output:q} 2> {log:q}"
