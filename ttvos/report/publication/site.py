"""What is kept of a comparison with the DAVIS site's scores: our differences, none of its data."""

from collections.abc import Iterator
from pathlib import Path

from ttvos.core.files import write_json
from ttvos.core.text import counted
from ttvos.plan.manifest import Located
from ttvos.records.schema import SiteCheck
from ttvos.report.publication.form import ATTRIBUTES, SITE, AttributeScore, Published, to_csv
from ttvos.report.publication.runs import load, sourced
from ttvos.report.results import File

Checks = dict[str, File[SiteCheck]]  # by dataset


def load_site_checks(located: Located) -> Checks:
    """What of a run was compared so far."""
    named = located.manifest.site.items()
    found = {dataset: load(located, name, SiteCheck, []) for dataset, name in named}
    return {dataset: file for dataset, file in found.items() if file}


def write_site(folder: Path, checks: Checks, labels: dict[str, str]) -> None:
    """Write site.json and attributes.csv where anything was compared. labels: of the rows."""
    if not checks:
        return
    lines = to_csv(AttributeScore, _attribute_scores(checks, labels))
    (folder / ATTRIBUTES).write_text(lines, encoding="utf-8")
    kept = {}
    for dataset, file in checks.items():
        values = file.record.plain()
        values = {key: values[key] for key in values if key not in ("attributes", "provenance")}
        kept[dataset] = {**values, "provenance": sourced(file)["provenance"]}
    write_json(folder / SITE, kept)


def _attribute_scores(checks: Checks, labels: dict[str, str]) -> Iterator[AttributeScore]:
    """A line for each method, dataset and attribute."""
    for dataset, file in checks.items():
        for of in file.record.attributes:
            means = (100 * value for value in (of.jf, of.j, of.f))
            named = (of.method, labels.get(of.method, of.method), dataset, of.attribute)
            yield AttributeScore(*named, of.sequences, *means)


def site_notes(published: Published) -> list[str]:
    """Sentences for the page: how far our scores are those that the site printed, and where not."""
    labels = {line.row: line.label for line in published.scores}
    return [note for check in published.site.values() for note in _notes(check, labels)]


def _notes(check: SiteCheck, labels: dict[str, str]) -> Iterator[str]:
    same = [each for each in check.methods if not each.differing]
    total = sum(each.compared for each in check.methods)
    yield (
        f"J and F of each {check.by} against those that the DAVIS site printed ({total:,} values): "
        f"all are within {check.tolerance:g} for {len(same)} of {len(check.methods)} methods."
    )
    for method in check.methods:
        for part in method.differing:
            what = part.reason or (
                f"{part.beyond} of {counted(part.compared, 'value')} differ from the site's, by up "
                f"to {part.largest:.3f}; J&F by {100 * part.mean:+.1f} points"
            )
            yield f"{labels.get(method.method, method.method)}, {part.sequence}: {what}."
    if check.not_on_site:
        names = ", ".join(labels.get(name, name) for name in check.not_on_site)
        yield f"Not in the DAVIS site's record: {names}."
