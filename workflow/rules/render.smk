"""The notebook, and the report: they read result files and compute nothing else."""

from glob import glob

MANIFEST = written_at_start(f"{RESULTS}/manifest.json", plan.manifest())


rule notebook:
    input:
        notebook="notebooks/adaptive_weight.ipynb",
        results=plan.result_files(),
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
        content=plan.manifest(),
        source=code_hash("report/report.py", "report/templates"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    # realpath: the notebook runs in its own folder.
    shell:
        "TTVOS_MANIFEST=$(realpath {params.manifest:q})"
        " jupyter nbconvert --execute --to html --template basic"
        " --output-dir {params.folder:q} {input.notebook:q} > {log:q} 2>&1"


rule reports:
    input:
        results=plan.result_files(),
        notebook=f"{RESULTS}/notebook/adaptive_weight.html",
        paper=[f"data/paper/table{number}.csv" for number in range(2, 7)],
        ledger="data/paper/ledger.csv",
        claims="data/paper/claims.csv",
        record="data/paper/public-record.csv",
        peers=sorted(glob("data/peers/*.yaml")),
        published=sorted(
            glob("results-published/*/published.json")
            + glob("results-published/*/*.csv")
        ),
        whole=whole_report(),
    output:
        directory("reports"),
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
        content=plan.manifest(),
        source=code_hash("report/report.py", "report/templates"),
    shell:
        "python -m ttvos report --manifest {params.manifest:q} --out {output:q} > {log:q} 2>&1"
