"""The built-in clips."""


rule mini_clips:
    input:
        settings=section("mini", "mini"),
    output:
        directory(f"{RESULTS}/data"),
    log:
        f"{RESULTS}/logs/mini_clips.log",
    conda:
        ENVIRONMENT
    params:
        source=source_hash("data", "video.py"),
    shell:
        "python -m ttvos data mini --config {input.settings} --out {output} 2> {log}"
