"""Tables 2 to 6: the paper's numbers beside the measured ones, with a verdict per cell."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ttvos.render import quantities as q
from ttvos.render.inputs import Accuracy, ReportInput, RowResults
from ttvos.render.paper import BACKBONES, PAPER_FOLDER, read_paper
from ttvos.render.quantities import Extra, Quantity
from ttvos.render.results import timed_on
from ttvos.render.selection import selection_cautions
from ttvos.render.table import Cell, Column, Table
from ttvos.render.verdicts import ABSENT, NO_NUMBER, NOT_MEASURED

# Which text columns of the paper's CSV are ticks (1, 0), under what heading.
Finder = Callable[[ReportInput, dict[str, str]], Accuracy | None]


@dataclass(frozen=True)
class Comparison:
    """One of the paper's tables. texts: key -> heading; flags the same for ticked columns."""

    number: int
    title: str
    caption: str
    texts: dict[str, str]
    flags: dict[str, str]
    quantities: tuple[Quantity, ...]
    find: Finder
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()


def build(comparison: Comparison, report: ReportInput, folder: Path = PAPER_FOLDER) -> Table:
    """Fill one table: every row of the paper's, whether measured here or not."""
    rows, sources, entries = [], [], []
    for printed in read_paper(f"table{comparison.number}", folder):
        entry = comparison.find(report, printed)
        row = {key: Cell(printed[key]) for key in comparison.texts}
        row |= {key: tick(printed[key]) for key in comparison.flags}
        for quantity in comparison.quantities:
            row |= quantity.cells(report, printed[quantity.key], entry)
        for extra in comparison.extras:
            row[extra.key] = q.measured_cell(extra.take(entry) if entry else None)
        rows.append(row)
        entries.append(entry)
        sources += _sources(comparison, entry)
    columns = _columns(comparison, report)
    return Table(
        name=f"table{comparison.number}",
        title=f"Table {comparison.number}: {comparison.title}",
        caption=comparison.caption,
        columns=columns,
        rows=tuple(rows),
        profile=report.manifest.profile,
        caution=report.manifest.caution,
        notes=(
            *comparison.notes,
            *_spreads(entries),
            *(_streamed(entries) if STREAMING in comparison.extras else ()),
            *_reasons(comparison, rows),
            *_starts(entries),
            *selection_cautions(report, entries),
        ),
        sources=tuple(dict.fromkeys(sources)),
    )


def _columns(comparison: Comparison, report: ReportInput) -> tuple[Column, ...]:
    columns = [Column(key, label) for key, label in comparison.texts.items()]
    columns += [Column(key, label, "flag") for key, label in comparison.flags.items()]
    for quantity in comparison.quantities:
        columns += quantity.columns(report)
    return (*columns, *(extra.column for extra in comparison.extras))


def tick(value: str) -> Cell:
    """A ticked column's cell: the paper's CSV has 1, 0, or a word."""
    return Cell({"1": "✓", "0": "–"}.get(value, value))


def _reasons(comparison: Comparison, rows: list[dict[str, Cell]]) -> list[str]:
    """Why measured numbers are not compared, one note a reason."""
    found: dict[str, list[str]] = {}
    for quantity in comparison.quantities:
        verdicts = [row[f"{quantity.key}_verdict"] for row in rows]
        reasons = [cell.reason for cell in verdicts if cell.value == NOT_MEASURED]
        for reason in dict.fromkeys(reasons):
            if reason not in (ABSENT, NO_NUMBER):
                found.setdefault(reason, []).append(quantity.label)
    return [f"{', '.join(labels)}: {NOT_MEASURED} ({why})." for why, labels in found.items()]


def _spreads(entries: list[Accuracy | None]) -> list[str]:
    """What stands behind ±, where a row is the mean of several runs."""
    several = any(q.runs(entry) for entry in entries if entry)
    return ["±: sample standard deviation over the runs in the mean."] if several else []


def _streamed(entries: list[Accuracy | None]) -> list[str]:
    """What the streaming figures were measured on, one note."""
    files = [entry.speed for entry in entries if isinstance(entry, RowResults) and entry.speed]
    found = dict.fromkeys(timed_on(file) for file in files)
    return [f"Streaming FPS: {'; '.join(found)}."] if found else []


def _starts(entries: list[Accuracy | None]) -> list[str]:
    """What the trainings behind the rows started from, one note; none for given checkpoints."""
    seeds: dict[tuple[str, str, int], list[str]] = {}
    for entry in entries:
        for result in entry.train if isinstance(entry, RowResults) else ():
            start = (result.provenance or {}).get("initial") or {}
            alike = entry.label, Path(start.get("source") or "unknown").name, result.data["steps"]
            seeds.setdefault(alike, []).append(str(result.data["seed"]))
    found = [
        f"{label} ({'seeds' if len(numbers) > 1 else 'seed'} {', '.join(numbers)}) "
        f"from {source} weights, {steps} steps"
        for (label, source, steps), numbers in seeds.items()
    ]
    return [f"Trained here: {'; '.join(found)}."] if found else []


def _sources(comparison: Comparison, entry: Accuracy | None) -> list[str]:
    """Names of the files that this table takes from an entry."""
    if entry is None:
        return []
    rules = {quantity.rule for quantity in comparison.quantities}
    files = []
    if "accuracy" in rules:
        files += [result for results in entry.evaluate.values() for result in results]
    if isinstance(entry, RowResults):
        files += [entry.cost] if rules & {"macs", "parameters"} else []
        files += [entry.speed] if "speed" in rules else []
    return [file.name for file in files if file is not None]


def _rows(report: ReportInput, number: int) -> list[RowResults]:
    return [row for row in report.rows if number in row.entry.tables]


def _by_method(number: int) -> Finder:
    """A row of that method; failing that, masks of that name."""

    def find(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
        method = printed["method"].casefold()
        rows = [row for row in _rows(report, number) if row.entry.method.casefold() == method]
        masks = [mask for mask in report.masks if mask.name.casefold() == method]
        return next(iter([*rows, *masks]), None)

    return find


def _by_experiment(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
    variant = f"exp{printed['exp']}"
    return next((row for row in _rows(report, 4) if row.entry.variant == variant), None)


def _by_backbone(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
    backbone = BACKBONES[printed["backbone"]]
    return next((row for row in _rows(report, 6) if row.entry.backbone == backbone), None)


def _nobody(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
    return None


DAVIS17 = q.accuracy("davis17_jf", "DAVIS17 J&F", "davis17")
DAVIS16 = q.accuracy("davis16_jf", "DAVIS16 J&F", "davis16")
FPS = q.speed("fps", "FPS")
PARAMETERS = q.parameters("params_m", "Parameters, M")
STREAMING = q.from_speed("streaming_fps", "streaming FPS", 1, lambda data: data["streaming"]["fps"])
FRAME = q.from_cost("frame_gmac", "GMAC a frame", 2, q.gmac("frame"))
INFERENCE = q.from_cost("inference_m", "M for inference", 2, q.millions("inference"))
REFINE = q.from_cost("refine_gmac", "refinement GMAC", 2, q.refinement_gmac)

# Of the experiments of Table 4: key -> heading.
PARTS = {
    "short_term": "ST",
    "long_term": "LT",
    "adaptive_weight": "AW",
    "update_long_term": "Upd",
    "attention_clue": "Clue",
    "transition_map": "TM",
}

COMPARISONS = (
    Comparison(
        2,
        "cost of segmentation and of the template update",
        "Multiply-accumulate operations (the paper's FLOPs) of one frame without its refinement "
        "stage, of one update, and parameters.",
        {"method": "Method", "input": "Input"},
        {},
        (
            q.macs("segmentation_gmac", "Segmentation, GMAC", 2, q.segmentation_gmac),
            q.macs("update_gmac", "Update, GMAC", 3, q.gmac("update")),
            PARAMETERS,
            DAVIS16,
        ),
        _by_method(2),
        (REFINE, FRAME, q.RUNS),
        (
            "Segmentation measured: backbone features, both matchings and the attention map, that "
            "is all of a frame before the refinement (ledger item 12).",
        ),
    ),
    Comparison(
        3,
        "comparison with other methods",
        "Peers are the paper's figures. Ticks: online learning, template, optical flow, and the "
        "training data (YouTube-VOS, segmentation sets, synthetic clips).",
        {"method": "Method", "backbone": "Backbone"},
        {
            "online_learning": "OnL",
            "template": "Tmpl",
            "optical_flow": "Flow",
            "train_ytb": "YTB",
            "train_seg": "Seg",
            "train_synth": "Syn",
        },
        (DAVIS17, DAVIS16, FPS),
        _by_method(3),
        (STREAMING, q.RUNS),
        ("Items 13 and 14 of the ledger: entries of this table that the public record disputes.",),
    ),
    Comparison(
        4,
        "what each part contributes",
        "TTVOS with HRNet. ST, LT: short- and long-term matching; AW: adaptive weight; Upd: the "
        "template is updated; Clue: attention clue; TM: transition loss.",
        {"exp": "Exp"},
        PARTS,
        (DAVIS17, DAVIS16),
        _by_experiment,
        (q.RUNS,),
    ),
    Comparison(
        5,
        "the transition loss in another method",
        "FRTM-VOS with and without the transition loss: the paper's figures.",
        {"method": "Method", "backbone": "Backbone"},
        {"transition_loss": "TM loss"},
        (DAVIS17, DAVIS16),
        _nobody,
        notes=("FRTM-VOS is not built here: nothing of this table is measured.",),
    ),
    Comparison(
        6,
        "backbones",
        "GMAC of a two-frame clip (initialisation and one tracked frame, as the paper counts), "
        "parameters, accuracy, speed.",
        {"backbone": "Backbone"},
        {},
        (
            q.macs("gmac_two_frame_clip", "Two-frame clip, GMAC", 2, q.gmac("two_frame_clip")),
            PARAMETERS,
            DAVIS17,
            DAVIS16,
            FPS,
        ),
        _by_backbone,
        (FRAME, INFERENCE, STREAMING, q.RUNS),
        ("What a further frame costs is the column “GMAC a frame” (ledger item 1).",),
    ),
)
