"""What single switches of a training recipe do: trains, tracks and scores exp 8 with each.

    python benchmarks/recipe.py --out results-published/recipe -- \\
        davis=DAVIS davis_train=DAVIS stills=ECSSD stills_extra=STILLS backbones=FOLDER

The switches are those of data/recipe-switches.yaml, applied to workflow/runs/ablations-real.yaml,
whose exp8-hrnet is the base. Each is a run of the workflow of its own, below results/recipe, and is
kept below --out as `ttvos publish` keeps runs; what is done already is not done again. `ttvos fill`
compares them with the base, in a page that holds
`<!-- switches: results-published/ablations-real FOLDER/* -->` and `<!-- end -->`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from ttvos.core.files import read_yaml

ROW = "exp8-hrnet"
SWITCHES = "data/recipe-switches.yaml"
RUN = "workflow/runs/ablations-real.yaml"


def main() -> None:
    options = parse()
    switches = read_yaml(SWITCHES)
    for number, name in enumerate(options.switches or switches, start=1):
        print(f"{number}: {switches[name]['title']}", file=sys.stderr)
        results = Path("results/recipe") / name
        run(results, switches[name], options)
        publish = ["ttvos", "publish", "--manifest", str(results / "manifest.json")]
        subprocess.run([*publish, "--out", str(options.out / name)], check=True)


def parse() -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of what is kept")
    parser.add_argument("--switches", nargs="+", metavar="NAME", help="some (default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="default: 0 1")
    parser.add_argument("--cores", default="all", help="as Snakemake's (default: all)")
    parser.add_argument("folders", nargs="*", metavar="KEY=FOLDER", help="folders of the run")
    return parser.parse_args()


def run(results: Path, switch: dict, options: argparse.Namespace) -> None:
    """Train with a switch, and track and score all data sets of the run with every seed."""
    datasets = read_yaml(RUN)["datasets"]
    scores = [
        str(results / "evaluate" / f"{ROW}-s{seed}" / f"{dataset}.json")
        for seed in options.seeds
        for dataset in datasets
    ]
    settings = {
        "run": f"recipe-{results.name}",
        "results": str(results),
        "title": switch["title"],
        "rows": [ROW],
        "references": [],
        "seeds": options.seeds,
        "train": switch["train"],
    }
    config = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    command = ["snakemake", "--cores", options.cores, *scores, "--configfile", RUN]
    subprocess.run([*command, "--config", *config, *options.folders], check=True)


if __name__ == "__main__":
    main()
