"""Which of a profile's datasets stands for a validation set of the paper's: by year and split.

What a profile calls its datasets decides nothing.
"""

from collections.abc import Iterable

from ttvos.plan.manifest import Manifest
from ttvos.report.inputs import Accuracy, ReportInput
from ttvos.report.verdicts import paper_set


def candidates(manifest: Manifest, protocol: str) -> list[str]:
    """The profile's datasets that stand for "davis16" or "davis17"; the nearest to it first.

    Frames at their own size come before smaller ones, whole splits before parts.
    """
    found = [name for name, data in manifest.datasets.items() if paper_set(data) == protocol]
    datasets = manifest.datasets
    return sorted(found, key=lambda n: (datasets[n].input_scale != 1, bool(datasets[n].only)))


def standing(manifest: Manifest, protocol: str, entry: Accuracy) -> str:
    """The dataset whose scores of the entry stand for the protocol; "" where there is none."""
    found = candidates(manifest, protocol)
    return next((name for name in found if entry.evaluate.get(name)), "")


def standing_notes(report: ReportInput, entries: Iterable[Accuracy | None]) -> list[str]:
    """What a column of DAVIS16 or DAVIS17 mixes, and which scores stand in none."""
    scored = {entry.label: entry for entry in entries if entry}
    notes = []
    for protocol in ("davis17", "davis16"):
        used: dict[str, list[str]] = {}
        for label, entry in scored.items():
            if name := standing(report.manifest, protocol, entry):
                used.setdefault(name, []).append(label)
        if len(used) > 1:
            parts = (f"{name} of {', '.join(labels)}" for name, labels in used.items())
            notes.append(f"{protocol.upper()} has scores on several datasets: {'; '.join(parts)}.")
    others = [
        f"{name} (split {data.split} of {data.year})"
        for name, data in report.manifest.datasets.items()
        if paper_set(data) is None and any(entry.evaluate.get(name) for entry in scored.values())
    ]
    if others:
        notes.append(f"Not in these columns, since the paper has no such set: {', '.join(others)}.")
    return notes
