"""Tables inside a Markdown page, written by a command, never by hand.

A page holds a marker line and below it `<!-- end -->`; `ttvos fill PAGE` writes between them:
`<!-- scores: FOLDER [FOLDER ...] -->`, published scores (globs allowed);
`<!-- switches: BASE FOLDER [FOLDER ...] -->`, what each switch of a recipe adds to its base;
`<!-- steptime: FILE -->`, what `ttvos steptime` wrote to that file;
`<!-- speed: FILE ... | COMMAND -->`, `<!-- live: FILE ... | COMMAND -->` and
`<!-- benchmark: FILE TABLE ... | COMMAND -->`, see `ttvos.report.publication.benchmarks`. Files and
folders are named relative to the page, or to the repository that it lies in, or to this one.
"""

import re
from pathlib import Path
from statistics import fmean, stdev

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path, read_json
from ttvos.core.folders import checkout
from ttvos.core.text import markdown_table
from ttvos.measure.steptable import read_steptime, tables
from ttvos.report.publication.benchmarks import benchmark_block, live_block, speed_block
from ttvos.report.publication.form import RECORD, SCORES, Score, read_lines
from ttvos.report.publication.switches import switches

BLOCK = re.compile(
    r"(<!-- (scores|switches|steptime|speed|live|benchmark): ([^>]+?) -->\n).*?(<!-- end -->)",
    re.DOTALL,
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
    folder = page.resolve().parent
    own = [each for each in (folder, *folder.parents) if (each / ".git").exists()]
    roots = [folder, *own[:1], root]
    filled = BLOCK.sub(lambda found: found[1] + _block(found[2], found[3], roots) + found[4], text)
    if filled != text:
        with atomic_path(page) as temporary:
            temporary.write_text(filled, encoding="utf-8")
    return filled != text


def _block(kind: str, named: str, roots: list[Path]) -> str:
    """What stands below a marker. named: its text; its first word is a file, a folder, or a glob.

    The files are looked for in the first of the roots that has the first; else in the last.
    """
    first = named.split()[0]
    if Path(first).is_absolute():
        raise UserError(f"marker {named!r}: name {first} relative to the page or the repository")
    root = next((root for root in roots if any(root.glob(first))), roots[-1])
    if kind == "steptime":
        return tables(read_steptime(root / named))
    blocks = {"scores": _scores, "switches": _switches, "speed": speed_block}
    return {**blocks, "live": live_block, "benchmark": benchmark_block}[kind](named, root)


def _switches(patterns: str, root: Path) -> str:
    """`switches`, of the folders in the order in which they are named."""
    return switches([folder for each in patterns.split() for folder in _folders(root, each)])


def _scores(patterns: str, root: Path) -> str:
    """A line for each row of the published folders, a column for each dataset."""
    folders = [folder for pattern in patterns.split() for folder in _folders(root, pattern)]
    found = {folder: read_lines(Score, folder / SCORES) for folder in folders}
    labels = {line.dataset: line.dataset_label for lines in found.values() for line in lines}
    rows = []
    for folder, lines in found.items():
        title = read_json(folder / RECORD)["title"]
        several = len({line.row for line in lines if line.kind == "model"}) > 1
        for row in dict.fromkeys(line.row for line in lines):
            own = [line for line in lines if line.row == row]
            alone = own[0].kind == "model" and not several
            name = title if alone else f"{title}: {own[0].label}"
            cells = (_cell([x for x in own if x.dataset == dataset]) for dataset in labels)
            rows.append([name, *cells, *_training(own)])
    heads = ["run", *(f"{label}: J&F (J, F)" for label in labels.values()), "steps", "minutes"]
    return markdown_table(heads, rows)


def _folders(root: Path, pattern: str) -> list[Path]:
    paths = sorted(path.parent for path in root.glob(f"{pattern}/{RECORD}"))
    if not paths:
        raise UserError(f"{root.name}/{pattern}: no published results there")
    return paths


def _cell(seeds: list[Score]) -> str:
    """The mean over the seeds, with its spread where there are several."""
    if not seeds:
        return ""
    jf, j, f = (fmean(getattr(line, key) for line in seeds) for key in ("jf", "j_mean", "f_mean"))
    n = len(seeds)
    spread = f" ± {stdev(line.jf for line in seeds):.1f} (n = {n})" if n > 1 else ""
    return f"{jf:.1f}{spread} ({j:.1f}, {f:.1f})"


def _training(lines: list[Score]) -> list[str]:
    """Steps of a training, and minutes of one, in the mean."""
    steps = lines[0].steps
    seconds = {line.seed: line.seconds for line in lines if line.seconds is not None}
    minutes = f"{fmean(seconds.values()) / 60:.0f}" if seconds else ""
    return ["" if steps is None else str(steps), minutes]
