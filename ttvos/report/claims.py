"""The paper's claims about its parts, tested on published results (`ttvos.evaluation.compare`
decides).
"""

from pathlib import Path

from ttvos.evaluation.compare import (
    CONTRADICTED,
    HOLDS,
    NOT_MEASURED,
    NOT_SHOWN,
    RULE,
    Arms,
    Tested,
    judge_claims,
)
from ttvos.report.intervals import SequenceScores, kept_by_seed, paired
from ttvos.report.paper import BACKBONE, BACKBONES, PAPER_FOLDER, read_paper
from ttvos.report.publication.form import Published
from ttvos.report.table import Cell, Column, Table

VERBS = {
    HOLDS: ("holds", "hold"),
    CONTRADICTED: ("is contradicted", "are contradicted"),
    NOT_SHOWN: ("is not shown", "are not shown"),
    NOT_MEASURED: ("is not measured", "are not measured"),
}


def claims(published: Published, folder: Path = PAPER_FOLDER) -> tuple[Table | None, str]:
    """Each claim of data/paper/claims.csv that the results are about: the paper's differences,
    ours, and the verdict; with them a sentence a dataset on how the claims fell.

    (None, "") where they are about none.
    """
    lines = concerned(published, folder)
    if not lines:
        return None, ""
    judged = _judge(published, lines)
    return _table(published, folder, lines, judged), _sentences(published, judged)


def concerned(published: Published, folder: Path = PAPER_FOLDER) -> list[dict[str, str]]:
    """Lines of claims.csv: those on two rows that were scored, and where two of Table 4's
    experiments or more were scored, all of its claims, measured or not.
    """
    models = [line for line in published.scores if line.kind == "model"]
    rows = {line.row for line in models}
    experiments = {line.variant for line in models if line.backbone == BACKBONE and line.variant}
    known = {f"exp{line['exp']}" for line in read_paper("table4", folder)}
    ablation = known if len(experiments) > 1 else set()
    lines = read_paper("claims", folder)
    return [x for x in lines if {x["better"], x["worse"]} <= rows or x["better"] in ablation]


def _judge(published: Published, lines: list[dict[str, str]]) -> dict[str, list[Tested]]:
    """The claims in their order, by dataset; all are one family."""
    places = [(name, claim) for name in published.record["datasets"] for claim in lines]
    tested = judge_claims(
        [arms(published, claim["better"], claim["worse"], name) for name, claim in places]
    )
    found: dict[str, list[Tested]] = {}
    for (name, _), one in zip(places, tested, strict=True):
        found.setdefault(name, []).append(one)
    return found


def _table(
    published: Published,
    folder: Path,
    lines: list[dict[str, str]],
    judged: dict[str, list[Tested]],
) -> Table:
    printed = _printed(folder)
    rows = []
    for claim in lines:
        better, worse = claim["better"], claim["worse"]
        row = {"claim": Cell(claim["wording"]), "section": Cell(claim["section"])}
        row["compared"] = Cell(f"{better} − {worse}")
        for key in ("davis17_jf", "davis16_jf"):
            row[key] = Cell(float(printed[better][key]) - float(printed[worse][key]))
        rows.append(row)
    for name, tested in judged.items():
        for row, one in zip(rows, tested, strict=True):
            row |= _cells(name, one)
    return Table(
        name=f"claims-{published.name}",
        title=f"Is A better than B? The paper's claims on {published.record['data_label']}",
        caption="Differences in J&F, points, between two experiments: the paper's, of one run "
        "each, and ours, paired over seeds and sequences.",
        columns=_columns(published.record["datasets"]),
        rows=tuple(rows),
        profile=published.record["profile"],
        caution=published.record["caution"],
        notes=(RULE,),
    )


def _printed(folder: Path) -> dict[str, dict[str, str]]:
    """The lines of Tables 4 and 5, by the names that claims.csv has for them."""
    lines = {f"exp{line['exp']}": line for line in read_paper("table4", folder)}
    for line in read_paper("table5", folder):
        loss = "-tm" if line["transition_loss"] == "1" else ""
        lines[f"frtm-{BACKBONES[line['backbone']]}{loss}"] = line
    return lines


def _sentences(published: Published, judged: dict[str, list[Tested]]) -> str:
    sentences = []
    for name, tested in judged.items():
        label = published.record["datasets"][name]["label"]
        counts = {verdict: sum(one.verdict == verdict for one in tested) for verdict in VERBS}
        fell = ", ".join(f"{n} {VERBS[verdict][n != 1]}" for verdict, n in counts.items())
        noun = "claim" if len(tested) == 1 else "claims"
        seeds = sorted({one.seeds for one in tested if one.verdict != NOT_MEASURED})
        ends = " to ".join(str(number) for number in dict.fromkeys([*seeds[:1], *seeds[-1:]]))
        of = f" ({ends} {'seed' if seeds == [1] else 'seeds'})" if seeds else ""
        sentences.append(f"{label}: of {len(tested)} {noun} {fell}{of}.")
    return " ".join(sentences)


def arms(published: Published, better: str, worse: str, dataset: str) -> Arms | None:
    """Differences of two rows, or of two experiments with Table 4's backbone; None where no seed
    has both.
    """
    return paired(*(_experiment(published, variant, dataset) for variant in (better, worse)))


def _experiment(published: Published, name: str, dataset: str) -> dict[int, SequenceScores]:
    """J&F of a row, or of an experiment's model with Table 4's backbone, by seed."""
    models = [line for line in published.scores if line.kind == "model"]
    rows = {x.row for x in models if name == x.row or (x.backbone, x.variant) == (BACKBONE, name)}
    return {seed: s for row in rows for seed, s in kept_by_seed(published, row, dataset).items()}


def _cells(dataset: str, tested: Tested) -> dict[str, Cell]:
    difference = Cell()
    if tested.mean is not None:
        found = tested.difference
        has_noise = found is not None and tested.seeds > 1
        interval = (found.low, found.high) if has_noise else None
        difference = Cell(tested.mean, tested.spread, interval=interval)
    return {
        f"{dataset}_difference": difference,
        f"{dataset}_seeds": Cell(str(tested.seeds)),
        f"{dataset}_sequences": Cell(str(tested.sequences)),
        f"{dataset}_p": Cell(tested.p),
        f"{dataset}_p_holm": Cell(tested.adjusted),
        f"{dataset}_verdict": Cell(tested.verdict, reason=tested.reason),
    }


def _columns(datasets: dict[str, dict]) -> tuple[Column, ...]:
    columns = [
        Column("claim", "Claim, in our words"),
        Column("davis17_jf", "DAVIS17", "paper", "Paper", signed=True),
        Column("davis16_jf", "DAVIS16", "paper", "Paper", signed=True),
    ]
    for name, dataset in datasets.items():
        group = dataset["label"]
        columns += [
            Column(f"{name}_verdict", "is it better?", "finding", group),
            Column(f"{name}_difference", "difference", "other", group, signed=True, interval=True),
            Column(f"{name}_seeds", "seeds", "count", group),
            Column(f"{name}_sequences", "sequences", "count", group),
            Column(f"{name}_p", "p, signs", "extra", group, 4),
            Column(f"{name}_p_holm", "p, Holm", "extra", group, 4),
        ]
    return (*columns, Column("section", "In the paper"), Column("compared", "Experiments"))
