"""Published data that the profile names: brought where it is not there, and checked.

No rule has a data set as its output, because Snakemake deletes outputs before it makes them
anew; the records in fetch/ stand for the data.
"""

import sys
from pathlib import Path

from ttvos.data.places import to_fetch_by_hand
from ttvos.data.sources import find_source

FETCHED = plan.sources
PLACES = {name: path for path, name in FETCHED.items()}
BY_HAND = {
    name: text
    for name in PLACES
    if (text := to_fetch_by_hand(find_source(name), Path(settings.data)))
}
if workflow.is_main_process:
    for text in BY_HAND.values():
        print(f"To be fetched by hand: {text}", file=sys.stderr)


rule fetch:
    input:
        whole=whole_data,
    output:
        f"{RESULTS}/fetch/{{source}}.txt",
    log:
        f"{RESULTS}/logs/fetch/{{source}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/fetch/{{source}}.tsv"
    wildcard_constraints:
        source="|".join(PLACES.keys() - BY_HAND) or "none",
    priority: 2
    localrule: True
    conda:
        ENVIRONMENT
    params:
        root=settings.data,
        place=lambda wildcards: PLACES[wildcards.source],
    shell:
        "python -m ttvos data fetch {wildcards.source} --root {params.root:q} > {log:q} 2>&1"
        " && cp {log:q} {output:q}"


# Fails at once, saying what to do, before anything is downloaded.
use rule fetch as fetch_by_hand with:
    wildcard_constraints:
        source="|".join(BY_HAND) or "none",
    priority: 3
