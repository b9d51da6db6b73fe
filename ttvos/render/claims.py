"""Which of the paper's claims about its parts hold on published results: differences, verdicts."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from ttvos.publication.form import Published
from ttvos.render.paper import PAPER_FOLDER, read_paper
from ttvos.render.table import Cell, Column, Table

BACKBONE = "hrnet"  # of the paper's Table 4
CLEAR = 2.0  # points of J&F that a single seed must differ by
HOLDS, FAILS, UNCLEAR = "holds", "does not hold", "too close to tell"
NOT_MEASURED, ONE_SEED = "not measured", ", one seed"
RULE = (
    "Verdict, by rule: the difference in J&F of the two experiments is taken seed by seed. Over "
    "several seeds it is too close to tell while its mean lies within its spread (the sample "
    f"standard deviation); with one seed, while it is below {CLEAR:.0f} points, and the verdict "
    "says so. Otherwise the claim holds where the difference is positive, and does not hold where "
    "it is negative."
)

# J&F in points by (variant, dataset), then by seed.
Scores = dict[tuple[str, str], dict[int, float]]


def judge(differences: Sequence[float]) -> str:
    """The verdict on a claim from paired differences, one a seed, in points, better minus worse.

    None: not measured. One: too close to tell below CLEAR points, else by its sign; the text
    says that it is one seed. Several: too close to tell while |mean| is at most the sample
    standard deviation, else by the mean's sign. Both bounds are choices of this report, no test
    of significance.
    """
    if not differences:
        return NOT_MEASURED
    mean, several = fmean(differences), len(differences) > 1
    if abs(mean) <= stdev(differences) if several else abs(mean) < CLEAR:
        verdict = UNCLEAR
    else:
        verdict = HOLDS if mean > 0 else FAILS
    return verdict if several else verdict + ONE_SEED


def claims(published: Published, folder: Path = PAPER_FOLDER) -> Table:
    """Each claim of data/paper/claims.csv: the paper's differences, ours, and the verdict."""
    scores = model_scores(published)
    datasets = published.record["datasets"]
    printed = {f"exp{line['exp']}": line for line in read_paper("table4", folder)}
    rows = []
    for claim in read_paper("claims", folder):
        better, worse = claim["better"], claim["worse"]
        row = {"claim": Cell(claim["wording"]), "section": Cell(claim["section"])}
        row["compared"] = Cell(f"{better} − {worse}")
        for key in ("davis17_jf", "davis16_jf"):
            row[key] = Cell(float(printed[better][key]) - float(printed[worse][key]))
        for name in datasets:
            found = differences(scores, better, worse, name)
            row |= _cells(name, found)
        rows.append(row)
    return Table(
        name=f"claims-{published.name}",
        title=f"The paper's claims on {published.record['data_label']}",
        caption="Differences in J&F, points, between two experiments: the paper's, and ours "
        "paired over seeds: mean ± spread.",
        columns=_columns(datasets),
        rows=tuple(rows),
        profile=published.record["profile"],
        caution=published.record["caution"],
        notes=(RULE,),
    )


def model_scores(published: Published) -> Scores:
    """J&F of the models with the backbone of Table 4."""
    found: Scores = {}
    for line in published.scores:
        if line.kind == "model" and line.backbone == BACKBONE and line.seed is not None:
            found.setdefault((line.variant, line.dataset), {})[line.seed] = line.jf
    return found


def differences(scores: Scores, better: str, worse: str, dataset: str) -> list[float]:
    """Better minus worse for each seed that both were trained with, in the seeds' order."""
    first, second = scores.get((better, dataset), {}), scores.get((worse, dataset), {})
    return [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]


def _cells(dataset: str, found: list[float]) -> dict[str, Cell]:
    difference = Cell()
    if found:
        difference = Cell(fmean(found), stdev(found) if len(found) > 1 else None)
    return {
        f"{dataset}_difference": difference,
        f"{dataset}_seeds": Cell(str(len(found))),
        f"{dataset}_verdict": Cell(judge(found)),
    }


def _columns(datasets: dict[str, dict]) -> tuple[Column, ...]:
    columns = [
        Column("claim", "Claim, in our words"),
        Column("section", "In the paper"),
        Column("compared", "Experiments"),
        Column("davis17_jf", "DAVIS17", "paper", "Paper", signed=True),
        Column("davis16_jf", "DAVIS16", "paper", "Paper", signed=True),
    ]
    for name, dataset in datasets.items():
        columns += [
            Column(f"{name}_difference", "difference", "other", dataset["label"], signed=True),
            Column(f"{name}_seeds", "seeds", "count", dataset["label"]),
            Column(f"{name}_verdict", "verdict", "finding", dataset["label"]),
        ]
    return tuple(columns)
