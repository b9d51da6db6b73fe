"""Parameters and MACs of each row; speed of the rows whose tables show it; both of each tracker."""


# One job for all rows: starting Python and its libraries takes longer than counting a row.
rule cost:
    output:
        [plan.cost(row.name) for row in plan.rows_of("ttvos")],
    log:
        f"{RESULTS}/logs/cost.log",
    benchmark:
        f"{RESULTS}/benchmarks/cost.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(3000),
        runtime=30,
    params:
        rows=[row.name for row in plan.rows_of("ttvos")],
        parts=[as_plain(row) for row in plan.rows_of("ttvos")],
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        height=settings.cost.height,
        width=settings.cost.width,
        source=code_hash("measure/cost.py"),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos cost --rows {params.rows:q}"
        " --height {params.height} --width {params.width} --out {params.folder:q} > {log:q} 2>&1"


# It takes every core, so that nothing else runs beside what is being timed; under Slurm a node.
# Its priority brings it first, while no other job holds a core that it would have to wait for.
# A job a row, because the peak memory that it reports is the process's.
rule speed:
    output:
        f"{RESULTS}/speed/{{row}}.json",
    log:
        f"{RESULTS}/logs/speed/{{row}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/speed/{{row}}.tsv"
    priority: 1
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(4000),
        runtime=60,
        slurm_extra="--exclusive",
    params:
        model=lambda wildcards: jobs.row_options(wildcards.row),
        variant=lambda wildcards: as_plain(jobs.row(wildcards.row).variant),
        speed={
            key: value
            for key, value in (
                as_plain(settings.speed) if settings.speed else {}
            ).items()
            if key != "untimed"
        },
        device=settings.device,
        source=code_hash("measure/speed.py"),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos speed {params.model} --device {params.device:q}"
        " --height {params.speed[height]} --width {params.speed[width]}"
        " --frames {params.speed[frames]} --repeats {params.speed[repeats]}"
        " --objects {params.speed[objects]} --precision {params.speed[precision]} --compile off"
        " --out {output:q} > {log:q} 2>&1"


# One job for all peers too: what results-published/peers keeps is taken over while the code is the
# same, so a change of one counts that one anew.
rule peer_costs:
    output:
        [plan.measured("cost", name) for name in plan.peers],
    log:
        f"{RESULTS}/logs/trackers/peer_costs.log",
    benchmark:
        f"{RESULTS}/benchmarks/peer_costs.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        peers=plan.peers,
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        height=settings.cost.height,
        width=settings.cost.width,
        kept=of_checkout("results-published/peers"),
        source=code_hash("measure/tracker_cost.py", "tracking/registry.py"),
        peer_sources=[tracker_code(name) for name in plan.peers],
    shell:
        "TTVOS_THREADS={threads} python -m ttvos cost --trackers {params.peers:q}"
        " --height {params.height} --width {params.width} --kept {params.kept:q}"
        " --out {params.folder:q} > {log:q} 2>&1"


# A job for each of the user's classes, so that a change of one counts this one anew.
rule tracker_cost:
    output:
        f"{RESULTS}/trackers/cost/{{own}}.json",
    log:
        f"{RESULTS}/logs/trackers/cost/{{own}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tracker_cost/{{own}}.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        tracker=lambda wildcards: plan.trackers[wildcards.own],
        height=settings.cost.height,
        width=settings.cost.width,
        source=code_hash("measure/tracker_cost.py", "tracking/registry.py"),
        tracker_source=lambda wildcards: tracker_code(plan.trackers[wildcards.own]),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos cost --tracker {params.tracker:q}"
        " --height {params.height} --width {params.width} --out {output:q} > {log:q} 2>&1"


rule tracker_speed:
    output:
        f"{RESULTS}/trackers/speed/{{tracker}}.json",
    log:
        f"{RESULTS}/logs/trackers/speed/{{tracker}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tracker_speed/{{tracker}}.tsv"
    priority: 1
    conda:
        ENVIRONMENT
    threads: workflow.cores
    resources:
        gpu=NEEDS_GPU,
        mem_mb=memory(6000),
        runtime=60,
        slurm_extra="--exclusive",
    params:
        tracker=lambda wildcards: plan.trackers[wildcards.tracker],
        height=settings.cost.height,
        width=settings.cost.width,
        frames=settings.peers.frames,
        repeats=settings.peers.repeats,
        device=settings.device,
        source=code_hash("measure/tracker_speed.py", "tracking/registry.py"),
        tracker_source=lambda wildcards: tracker_code(plan.trackers[wildcards.tracker]),
    shell:
        "TTVOS_THREADS={threads} python -m ttvos speed --tracker {params.tracker:q}"
        " --device {params.device:q} --height {params.height} --width {params.width}"
        " --frames {params.frames} --repeats {params.repeats} --out {output:q} > {log:q} 2>&1"
