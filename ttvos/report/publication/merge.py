"""Results of the same weights on other sequences of one split, as one folder.

What parts of a validation set score in different places becomes one row on the whole: all figures
of scores.csv are means over objects, so the whole's are those of its parts, weighted by objects.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from itertools import chain, combinations, groupby
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_directory
from ttvos.core.provenance import provenance, public
from ttvos.data.davis import VAL
from ttvos.report.publication.form import (
    RECORD,
    Published,
    Score,
    SequenceScore,
    read_folder,
    write_tables,
)
from ttvos.report.publication.publish import check_tree

MEANS = [each.name for each in fields(Score) if each.type is float]
KINDS = ("model", "reference")  # others' masks have no weights to be known by


@dataclass(frozen=True)
class Part:
    """One row's scores in one folder, on one dataset."""

    folder: Published
    line: Score

    @property
    def data(self) -> dict[str, Any]:
        """What was scored."""
        return self.folder.record["datasets"][self.line.dataset]

    @property
    def split(self) -> tuple[int, str, float]:
        """Year, split and input scale: what two datasets must share to be parts of one."""
        return self.data["year"], self.data["split"], self.data["input_scale"]

    @property
    def key(self) -> tuple:
        """Equal for the parts of one row."""
        return self.line.kind, self.line.row, str(self.line.seed), *self.split

    @property
    def where(self) -> str:
        """How an error names it."""
        return f"{self.folder.name}: {self.line.row} on {self.line.dataset}"

    @property
    def settings(self) -> dict[str, Any]:
        """All that must be the same in the parts of one row, by what an error calls it.

        Raises UserError for a model whose folder does not say which weights it was.
        """
        found = {key: self.data[key] for key in ("evaluator", "evaluator_version")}
        found |= {"variant": self.line.variant, "backbone": self.line.backbone}
        if self.line.kind != "model":
            return found
        wanted = (self.line.row, self.line.seed, self.line.dataset)
        for one in self.folder.record.get("tracked", ()):
            if (one["row"], one["seed"], one["dataset"]) == wanted and one["checkpoint"]:
                return found | one["tracker"] | {"weights": one["checkpoint"]}
        raise UserError(
            f"{self.where}: the folder does not say with which weights; publish the run again "
            "with this version"
        )

    @property
    def sequences(self) -> list[SequenceScore]:
        """The scores of its sequences."""
        wanted = (self.line.row, self.line.seed, self.line.dataset)
        return [s for s in self.folder.sequences if (s.row, s.seed, s.dataset) == wanted]


def merge(folders: Iterable[Path | str], out: Path | str) -> dict[str, Any]:
    """Merge folders of results-published into the folder `out`; returns its record.

    It holds the models and references that every folder scored on sequences of one year, split
    and input scale, and nothing else. out: takes the place of an earlier one as a whole.
    Raises UserError for other weights (by checksum), for sequences that two folders have, for
    other settings of tracking or scoring, for a folder that does not say which weights it is of,
    in a tree with changes, and where there is nothing to merge.
    """
    parts = [read_folder(Path(folder)) for folder in folders]
    check_tree(out)
    lines = [Part(p, line) for p in parts for line in p.scores if line.kind in KINDS]
    groups = [list(of) for _, of in groupby(sorted(lines, key=_key), key=_key)]
    rows = [of for of in groups if len({part.folder.name for part in of}) == len(parts) > 1]
    if not rows:
        names = ", ".join(part.name for part in parts)
        raise UserError(f"{names}: no row was scored on sequences of one split in all of them")
    for one, other in (pair for row in rows for pair in combinations(row, 2)):
        _check(one, other)
    datasets = {_name(part.split): _whole_data(row) for row in rows for part in row[:1]}
    record = _record(parts, datasets, [part for row in rows for part in row])
    sequences = chain.from_iterable(_whole_sequences(row) for row in rows)
    with atomic_directory(out, marker=RECORD) as folder:
        write_tables(folder, record, [_whole(row, datasets) for row in rows], sequences)
    return record


def _key(part: Part) -> tuple:
    return part.key


def _check(one: Part, other: Part) -> None:
    """Raise UserError unless two parts belong to one row."""
    mine, theirs = one.settings, other.settings
    if differing := [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]:
        raise UserError(
            f"{other.where}: other {', '.join(differing)} than {one.where}; merge only what was "
            "made alike"
        )
    if shared := sorted(
        {s.sequence for s in one.sequences} & {s.sequence for s in other.sequences}
    ):
        raise UserError(f"{other.where}: {', '.join(shared)}: scored in {one.where} too")


def _name(split: tuple[int, str, float]) -> str:
    year, name, scale = split
    return f"davis{year}-{name}" + ("" if scale == 1 else f"-{scale:g}")


def _whole_data(row: list[Part]) -> dict[str, Any]:
    """What the parts of a row scored together, as a dataset of published.json."""
    year, split, scale = row[0].split
    sequences = sorted(s.sequence for part in row for s in part.sequences)
    is_all = split == "val" and set(sequences) == set(VAL.get(year, ()))
    label = f"{'all' if is_all else len(sequences)} of DAVIS-{year} {split}"
    label += "" if scale == 1 else f" at {scale:g} of their size"
    return {**row[0].data, "label": label, "sequences": sequences}


def _whole(row: list[Part], datasets: dict[str, Any]) -> Score:
    """The line of a whole: each figure the mean over all objects."""
    lines, name = [part.line for part in row], _name(row[0].split)
    objects = sum(line.objects for line in lines)
    means = {key: sum(getattr(x, key) * x.objects for x in lines) / objects for key in MEANS}
    count = sum(line.sequences for line in lines)
    told = {"dataset": name, "dataset_label": datasets[name]["label"]}
    return replace(lines[0], **told, sequences=count, objects=objects, **means)


def _whole_sequences(row: list[Part]) -> list[SequenceScore]:
    found = [replace(s, dataset=_name(row[0].split)) for part in row for s in part.sequences]
    return sorted(found, key=lambda each: each.sequence)


def _record(parts: list[Published], datasets: dict[str, Any], merged: list[Part]) -> dict[str, Any]:
    """published.json of all of them together."""
    records = [part.record for part in parts]
    first = records[0]
    models = [part for part in merged if part.line.kind == "model"]
    rows = {(part.line.row, part.line.seed) for part in models}
    backbones = {part.line.backbone for part in models}
    trainings = {(t["row"], t["seed"]): t for record in records for t in record["trainings"]}
    return {
        **{key: first[key] for key in ("profile", "title", "units")},
        "data_label": "; ".join(data["label"] for data in datasets.values()),
        "comparable": _claim(parts),
        "caution": " ".join(dict.fromkeys(record["caution"] for record in records)),
        "merged": [part.name for part in parts],
        "datasets": datasets,
        "recipes": {k: v for r in records for k, v in r["recipes"].items() if k in backbones},
        "trainings": [training for key, training in trainings.items() if key in rows],
        "tracked": _tracked(models),
        "files": list(chain.from_iterable(record["files"] for record in records)),
        "missing": list(chain.from_iterable(record["missing"] for record in records)),
        "provenance": public(provenance()),
    }


def _claim(parts: list[Published]) -> dict[str, Any]:
    """What the runs say of being the paper's; reasons that differ are of their parts alone."""
    claims = [part.record.get("comparable") or {} for part in parts]
    if len({bool(claim.get("accuracy")) for claim in claims}) > 1:
        names = ", ".join(part.name for part in parts)
        raise UserError(
            f"{names}: not all of their runs claim to be the paper's; merge those apart"
        )
    reasons = {claim.get("reason", "") for claim in claims}
    return {**claims[0], "reason": reasons.pop() if len(reasons) == 1 else ""}


def _tracked(models: list[Part]) -> list[dict[str, Any]]:
    """With which weights each row was tracked, on the whole."""
    found = {}
    for part in models:
        wanted = (part.line.row, part.line.seed, part.line.dataset)
        for one in part.folder.record["tracked"]:
            if (one["row"], one["seed"], one["dataset"]) == wanted:
                found[part.key] = one | {"dataset": _name(part.split)}
    return list(found.values())
