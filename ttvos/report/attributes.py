"""Kept scores by what the sequences are like: DAVIS-2016's attributes."""

from ttvos.report.publication.form import Published
from ttvos.report.table import Cell, Column, Table

# F. Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation",
# CVPR 2016, Table 1.
NAMES = {
    "AC": "appearance change",
    "BC": "background clutter",
    "CS": "camera shake",
    "DB": "dynamic background",
    "DEF": "deformation",
    "EA": "edge ambiguity",
    "FM": "fast motion",
    "HO": "heterogeneous object",
    "IO": "interacting objects",
    "LR": "low resolution",
    "MB": "motion blur",
    "OCC": "occlusion",
    "OV": "out of view",
    "ROT": "rotation",
    "SC": "shape complexity",
    "SV": "scale variation",
}


def by_attribute(published: Published) -> Table | None:
    """J&F of each row by attribute; None for a folder without attributes."""
    if not published.attributes:
        return None
    labels = {(line.row, line.dataset): line.label for line in published.attributes}
    counts = {line.attribute: line.sequences for line in published.attributes}
    columns = [Column("row", "Masks"), Column("dataset", "Data")]
    columns += [Column(key, f"{key} ({counts[key]})", "extra", "J&F") for key in sorted(counts)]
    rows = []
    for (row, dataset), label in labels.items():
        mine = [x for x in published.attributes if (x.row, x.dataset) == (row, dataset)]
        cells = {"row": Cell(label), "dataset": Cell(dataset)}
        rows.append(cells | {line.attribute: Cell(line.jf) for line in mine})
    meanings = ", ".join(f"{key} {NAMES.get(key, 'unknown')}" for key in sorted(counts))
    return Table(
        name=f"attributes-{published.name}",
        title=f"Kept: {published.title}, by attribute",
        caption="Mean J&F in points over the sequences that have an attribute, in brackets how "
        f"many do; an attribute that few have is left out. {meanings}.",
        columns=tuple(columns),
        rows=tuple(rows),
        profile=published.record["profile"],
        caution=published.record["caution"],
    )
