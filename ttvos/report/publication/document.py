"""Tables inside a Markdown page, written by a command, never by hand.

A page holds a marker line and below it `<!-- end -->`; `ttvos fill PAGE` writes between them:
`<!-- scores: FOLDER [FOLDER ...] -->`, published scores (globs allowed);
`<!-- steptime: FILE -->`, what `ttvos steptime` wrote to that file;
`<!-- speed: FILE ... | COMMAND -->` and `<!-- benchmark: FILE TABLE ... | COMMAND -->`, see
`ttvos.report.publication.performance`. Files and folders are named relative to the page, or to the
repository that it lies in, or to this one.
"""

import re
from pathlib import Path
from statistics import fmean, stdev

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path, read_json
from ttvos.core.folders import checkout
from ttvos.measure.steptable import read_steptime, tables
from ttvos.report.publication.form import RECORD, SCORES, Published, Score, read_lines
from ttvos.report.publication.performance import benchmark_block, speed_block

BLOCK = re.compile(
    r"(<!-- (scores|steptime|speed|benchmark): ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL
)


def fill(page: Path | str, root: Path | None = None) -> bool:
    """Write every table of a page anew; returns whether the page changed.

    root: where a marker's files are looked for that lie neither beside the page nor in its
    repository; None means this repository. Raises UserError for a page without markers, and for a
    folder that is not there.
    """
    page, root = Path(page), root or checkout("ttvos fill")
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{page}: cannot be read ({error.strerror})") from None
    if not BLOCK.search(text):
        raise UserError(f"{page}: no table to fill (<!-- scores: FOLDER --> ... <!-- end -->)")
    roots = _roots(page, root)

    def filled_block(found: re.Match[str]) -> str:
        kind, named = found.group(2, 3)
        return found[1] + _content(kind, named, _root_of(named, roots)) + found[4]

    filled = BLOCK.sub(filled_block, text)
    if filled != text:
        with atomic_path(page) as temporary:
            temporary.write_text(filled, encoding="utf-8")
    return filled != text


def _roots(page: Path, root: Path) -> list[Path]:
    """Folders to which a marker may name its files: the page's, its repository, and `root`."""
    folder = page.resolve().parent
    own = [each for each in (folder, *folder.parents) if (each / ".git").exists()]
    return [folder, *own[:1], root]


def _root_of(named: str, roots: list[Path]) -> Path:
    """The first of the folders in which the marker's first file is; where none has it, the last.

    named: a marker's text, whose first word is a file, a folder, or a glob of them.
    """
    first = named.split()[0]
    if Path(first).is_absolute():
        raise UserError(f"marker {named!r}: name {first} relative to the page or the repository")
    return next((root for root in roots if any(root.glob(first))), roots[-1])


def _content(kind: str, named: str, root: Path) -> str:
    if kind == "steptime":
        return tables(read_steptime(root / named))
    return {"scores": _table, "speed": speed_block, "benchmark": benchmark_block}[kind](named, root)


def _table(folders: str, root: Path) -> str:
    published = [_read(path) for pattern in folders.split() for path in _found(root, pattern)]
    labels = {line.dataset: line.dataset_label for each in published for line in each.scores}
    head = ["run", *(f"{label}: J&F (J, F)" for label in labels.values()), "steps", "minutes"]
    lines = [head, ["---"] * len(head)]
    for each in published:
        for row in dict.fromkeys(line.row for line in each.scores):
            scores = [line for line in each.scores if line.row == row]
            lines.append(_line(each, scores, list(labels)))
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _line(published: Published, scores: list[Score], datasets: list[str]) -> list[str]:
    first = scores[0]
    several = len({line.row for line in published.scores if line.kind == "model"}) > 1
    is_alone = first.kind == "model" and not several
    name = published.title if is_alone else f"{published.title}: {first.label}"
    of_dataset = ([line for line in scores if line.dataset == dataset] for dataset in datasets)
    seconds = {line.seed: line.seconds for line in scores if line.seconds is not None}
    minutes = f"{fmean(seconds.values()) / 60:.0f}" if seconds else ""
    return [name, *map(_cell, of_dataset), "" if first.steps is None else str(first.steps), minutes]


def _cell(lines: list[Score]) -> str:
    if not lines:
        return ""
    values = [line.jf for line in lines]
    spread = f" ± {stdev(values):.1f} (n = {len(values)})" if len(values) > 1 else ""
    parts = ", ".join(
        f"{fmean(getattr(x, key) for x in lines):.1f}" for key in ("j_mean", "f_mean")
    )
    return f"{fmean(values):.1f}{spread} ({parts})"


def _found(root: Path, pattern: str) -> list[Path]:
    paths = sorted(path.parent for path in root.glob(f"{pattern}/{RECORD}"))
    if not paths:
        raise UserError(f"{root.name}/{pattern}: no published results there")
    return paths


def _read(folder: Path) -> Published:
    return Published(folder.name, read_json(folder / RECORD), read_lines(Score, folder / SCORES))
