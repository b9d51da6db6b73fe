"""The notebook and the report, which read result files and compute nothing else; and notes that
files of finished results were found deleted (`ttvos.plan.jobs.DeletedResults`).

Each run has its report in its results; reports/ shows the newest and lists the others.
"""

OWN_REPORT = f"{RESULTS}/report"


rule notebook:
    input:
        notebook=of_checkout("notebooks/adaptive_weight.ipynb"),
        results=RESULT_FILES,
    output:
        f"{RESULTS}/notebook/adaptive_weight.html",
    log:
        f"{RESULTS}/logs/notebook.log",
    benchmark:
        f"{RESULTS}/benchmarks/notebook.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        manifest=MANIFEST,
        content=CONTENT,
        source=code_hash("report/report.py", "report/templates"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    # realpath: the notebook runs in its own folder.
    shell:
        "TTVOS_MANIFEST=$(realpath {params.manifest:q})"
        " jupyter nbconvert --execute --to html --template basic"
        " --output-dir {params.folder:q} {input.notebook:q} > {log:q} 2>&1"


rule reports:
    input:
        results=RESULT_FILES,
        notebook=f"{RESULTS}/notebook/adaptive_weight.html",
        facts=sorted(
            of_checkout(os.path.relpath(path, CHECKOUT))
            for pattern in (
                "data/paper/*.csv",
                "data/peers/*.yaml",
                "results-published/*/published.json",
                "results-published/*/site.json",
                "results-published/*/*.csv",
                "results-published/peers/*.json",
                "results-published/performance/speed-*.json",
                "results-published/live/*.json",
            )
            for path in CHECKOUT.glob(pattern)
        ),
        whole=deleted.report(OWN_REPORT),
    output:
        report(
            directory(OWN_REPORT),
            caption="../report/page.rst",
            category="Report",
            htmlindex="index.html",
        ),
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/reports.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(2000),
        runtime=30,
    params:
        manifest=MANIFEST,
        content=CONTENT,
        source=code_hash("report/report.py", "report/templates"),
    shell:
        "python -m ttvos report --manifest {params.manifest:q} --out {output:q} > {log:q} 2>&1"


# "update": Snakemake deletes neither what others keep there, nor the report before, should it fail.
rule show:
    input:
        report=OWN_REPORT,
        whole=deleted.shown("reports", OWN_REPORT),
    output:
        report(
            update(directory("reports")),
            caption="../report/tables.rst",
            category="Tables and figures",
            patterns=["{name}.csv", "{name}.png"],
            labels={"name": "{name}"},
        ),
    log:
        f"{RESULTS}/logs/show.log",
    localrule: True
    conda:
        ENVIRONMENT
    params:
        source=code_hash("report/shown.py"),
    shell:
        "python -m ttvos report --out {input.report:q} --show {output:q} > {log:q} 2>&1"


rule note:
    output:
        touch(f"{RESULTS}/notes/{{noted}}.{{number}}"),
    wildcard_constraints:
        number=r"\d+",
    localrule: True


rule all:
    default_target: True
    input:
        "reports",
