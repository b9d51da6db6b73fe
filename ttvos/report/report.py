"""The whole report: `render` writes the page and, beside it, every table and figure."""

from collections.abc import Iterable
from pathlib import Path

from ttvos.config.peers import FOLDER as PEERS_FOLDER
from ttvos.config.peers import load_records
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path
from ttvos.records.report import NAME as REPORT_JSON
from ttvos.records.store import write
from ttvos.report import cost_tables, measurements
from ttvos.report.as_record import as_record
from ttvos.report.explorer.copy import copy_explorer
from ttvos.report.failures import failures, failures_by_attribute
from ttvos.report.figure_failures import lost_points, survival_curves
from ttvos.report.figure_live import figure_live
from ttvos.report.figure_losses import losses
from ttvos.report.figure_speed import figure1, figure1_device
from ttvos.report.figure_strips import figure7, load_maps
from ttvos.report.figure_weights import figure9
from ttvos.report.figures import Drawing, write_figure
from ttvos.report.join import ReportInput
from ttvos.report.kept_live import kept_live
from ttvos.report.ledger import ledger
from ttvos.report.live import live_table
from ttvos.report.origin import origins
from ttvos.report.page import ORIGINS, Picture, render_page, wrap_notebook
from ttvos.report.page_table import clipboard_script
from ttvos.report.peer_pages import page_name, write_pages
from ttvos.report.peers import peers
from ttvos.report.publication.form import read_published
from ttvos.report.published import sections
from ttvos.report.sequence_tables import PREFIX as BY_SEQUENCE
from ttvos.report.sequence_tables import sequences
from ttvos.report.stress import stress, stress_curves
from ttvos.report.table import Table
from ttvos.report.table2 import TABLE2
from ttvos.report.table3 import TABLE3
from ttvos.report.table4 import TABLE4
from ttvos.report.table5 import TABLE5
from ttvos.report.table6 import TABLE6
from ttvos.report.writers import to_csv, to_latex, to_markdown

PAPER_TABLES = {table.number: table for table in (TABLE2, TABLE3, TABLE4, TABLE5, TABLE6)}
WRITERS = {"csv": to_csv, "md": to_markdown, "tex": to_latex}
TABLES = (
    "table2",
    "table3",
    "table4",
    "table5",
    "table6",
    "peers",
    "summary",
    "failures",
    "failures-attributes",
    "stress",
    "cost",
    "speed",
    "live",
    "live-kept",
    "training",
    "ledger",
)
FIGURES = ("figure1", "figure1-device", "figure7", "figure9a", "figure9b", "figure9c", "losses")
FIGURES += ("live-curve",)
FIGURES += ("lost-points", "survival", "stress-curves")
NOTEBOOK = "adaptive_weight.html"
CLIPBOARD = "clipboard.js"  # the texts of the tables' files, for the page to copy


def expected_files(
    notebook: bool = False,
    published: Path | None = None,
    records: Path = PEERS_FOLDER,
    datasets: Iterable[str] = (),
) -> list[str]:
    """Names of all files that a report consists of, whatever was measured, but the explorer's.

    published: folder of the results that are kept, None for the repository's. records: of the
    peers' records. datasets: those of the run.
    """
    sets = sections(read_published(published))
    kept = [table.name for section in sets for table in section.tables]
    of_data = [BY_SEQUENCE + dataset for dataset in datasets]
    names = [f"{table}.{suffix}" for table in (*TABLES, *of_data, *kept) for suffix in WRITERS]
    names += [f"{figure}.{suffix}" for figure in FIGURES for suffix in ("png", "pdf")]
    names += [page_name(record) for record in load_records(records).values()]
    return [
        "index.html",
        REPORT_JSON,
        ORIGINS,
        CLIPBOARD,
        *names,
        *([NOTEBOOK] if notebook else []),
    ]


def render(report: ReportInput, out: Path | str) -> None:
    """Write the report into the folder `out`, which is made if need be.

    Raises UserError for a result file that is missing, damaged or lacks what it must hold.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tables = {table.name: table for table in build_tables(report)}
    kept = sections(report.kept.published, report)
    _write_tables([*tables.values(), *(table for section in kept for table in section.tables)], out)
    pictures = {}
    for drawing in build_figures(report):
        write_figure(drawing, report.manifest, out)
        pictures[drawing.name] = Picture.of(drawing)
    maps = load_maps(report)
    notebook = _copy_notebook(report, out)
    copy_explorer(report.located, out)
    results = report.results() + ([maps.result] if maps else [])
    render_page(report, tables, kept, pictures, results, notebook, out)
    drawings = [picture.drawing for picture in pictures.values()]
    whole = as_record(report, list(tables.values()), kept, drawings, results)
    write(out / REPORT_JSON, whole)
    write_pages(report, tables, origins(results), out)


def _write_tables(tables: list[Table], out: Path) -> None:
    """Every table as CSV, Markdown and LaTeX, and the same texts once more for the clipboard."""
    texts = {t.name: {suffix: write(t) for suffix, write in WRITERS.items()} for t in tables}
    files = {f"{name}.{suffix}": text for name, of in texts.items() for suffix, text in of.items()}
    for name, text in (files | {CLIPBOARD: clipboard_script(texts)}).items():
        with atomic_path(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def build_tables(report: ReportInput) -> list[Table]:
    """All tables, in the order of `TABLES`; those by sequence stand after the summary."""
    compared = [table.build(report) for table in PAPER_TABLES.values()]
    own = [
        peers(report),
        measurements.summary(report),
        *sequences(report),
        failures(report),
        failures_by_attribute(report),
        stress(report),
        cost_tables.cost(report),
        cost_tables.speed(report),
        live_table(report),
        kept_live(report),
        measurements.training(report),
        ledger(report),
    ]
    return [*compared, *own]


def build_figures(report: ReportInput) -> list[Drawing]:
    """All figures, in the order of `FIGURES`."""
    return [
        figure1(report),
        figure1_device(report),
        figure7(report),
        *figure9(report.located),
        losses(report),
        figure_live(report),
        lost_points(report),
        survival_curves(report),
        stress_curves(report),
    ]


def _copy_notebook(report: ReportInput, out: Path) -> str | None:
    name = report.manifest.notebook
    if name is None:
        return None
    path = report.located.path(name)
    if not path.is_file():
        raise UserError(f"{path}: no such file; the manifest names it as the executed notebook")
    with atomic_path(out / NOTEBOOK) as temporary:
        temporary.write_text(wrap_notebook(path, report.manifest), encoding="utf-8")
    return NOTEBOOK
