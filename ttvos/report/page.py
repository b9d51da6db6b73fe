"""The HTML page and the page of origins. They load nothing but the pictures beside them."""

import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ttvos.core.files import atomic_path
from ttvos.evaluation.compare import RULE
from ttvos.evaluation.judge import RULES
from ttvos.plan.manifest import UNTRAINED as LEFT_UNTRAINED
from ttvos.plan.manifest import Manifest, data_label
from ttvos.report.answer import answer, findings, released, verdict_counts
from ttvos.report.explorer.copy import page_data
from ttvos.report.figures import DPI, Drawing
from ttvos.report.headline import data_facts
from ttvos.report.join import ReportInput
from ttvos.report.notes import selection_cautions
from ttvos.report.origin import by_rule, origins, overview, read_jobs, run_time
from ttvos.report.page_table import row_groups, split_notes, without_number
from ttvos.report.published import Section
from ttvos.report.results import File
from ttvos.report.table import Table, format_cell, format_interval, format_value
from ttvos.report.verdicts import ABSENT, STATUSES
from ttvos.report.writers import group_spans, is_text

TEMPLATES = Path(__file__).parent / "templates"
ORIGINS = "origins.html"  # where every number is from, file by file


@dataclass(frozen=True)
class Picture:
    """A figure and the size of its PNG, which lies beside the page, in pixels."""

    drawing: Drawing
    width: int = 0
    height: int = 0

    @classmethod
    def of(cls, drawing: Drawing) -> "Picture":
        """As `write_figure` writes it."""
        if drawing.figure is None:
            return cls(drawing)
        width, height = (int(inches * DPI) for inches in drawing.figure.get_size_inches())
        return cls(drawing, width, height)


def render_page(
    report: ReportInput,
    tables: dict[str, Table],
    published: list[Section],
    pictures: dict[str, Picture],
    results: list[File],
    notebook: str | None,
    out: Path,
) -> None:
    """Write out/index.html and the page of origins.

    results: all whose provenance these show. notebook: its file's name.
    """
    jobs = read_jobs(report)
    shared = {
        "manifest": report.manifest,
        "published": published,
        "origins": origins(results),
    }
    _write("origins.html.j2", out / ORIGINS, **shared)
    _write(
        "page.html.j2",
        out / "index.html",
        **shared,
        data_label=data_label(report.manifest),
        tables=tables,
        claims_fell=[s.claims_sentence for s in published if s.claims_sentence],
        pictures=pictures,
        facts=data_facts(report),
        selected=selection_cautions(report, report.rows),
        overview=overview(results),
        own=report.located.provenance,
        rules_timed=by_rule(jobs),
        run=run_time(jobs, time.time()),
        notebook=notebook,
        explorer=page_data(report.manifest),
        **_verdicts(report, list(tables.values())),
    )


def _write(template: str, path: Path, **values: Any) -> None:
    text = environment().get_template(template).render(**values)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _verdicts(report: ReportInput, tables: list[Table]) -> dict[str, Any]:
    """What the page's head says of the verdicts and of the claims, and by which rules."""
    counts = verdict_counts(tables)
    return {
        "counts": counts,
        "statuses": [status for status in STATUSES if any(line[status] for _, line in counts)],
        "answer": answer(tables),
        "released": released(report),
        "findings": findings(tables),
        "claims_rule": RULE,
        "rules": RULES,
    }


def environment() -> Environment:
    """Jinja with escaping on everywhere and errors for unknown names."""
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (format_cell, format_value, format_interval, group_spans, is_text):
        jinja.globals[function.__name__] = function
    for function in (row_groups, split_notes, without_number):
        jinja.globals[function.__name__] = function
    jinja.globals["ORIGINS"] = ORIGINS
    jinja.globals["shell"] = shlex.join
    jinja.globals["SILENT"] = (ABSENT, LEFT_UNTRAINED)  # reasons that the table says elsewhere
    return jinja


def wrap_notebook(path: Path, manifest: Manifest) -> str:
    """The executed notebook (nbconvert's "basic" HTML) as a page that names its data.

    Anything that would be loaded from the network is taken out.
    """
    body = path.read_text(encoding="utf-8")
    body = re.sub(r"<script\b.*?</script>", "", body, flags=re.DOTALL | re.IGNORECASE)
    body = re.sub(r"<link\b[^>]*>", "", body, flags=re.IGNORECASE)
    return environment().get_template("notebook.html.j2").render(body=body, manifest=manifest)
