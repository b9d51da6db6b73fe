"""Tables in Markdown pages: written from published files, the rest of the page untouched."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.report.publication.fake_profile import write_profile
from ttvos.core.errors import UserError
from ttvos.core.provenance import REPOSITORY
from ttvos.report.publication.fill import BLOCK, fill
from ttvos.report.publication.form import (
    SCORES,
    SEQUENCES,
    Score,
    SequenceScore,
    read_lines,
    to_csv,
)
from ttvos.report.publication.publish import publish

PAGES = [p for p in sorted((REPOSITORY / "docs").glob("*.md")) if BLOCK.search(p.read_text())]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(write_profile(tmp_path / "profile"), tmp_path / "kept/one")
    return tmp_path


def page(root: Path, folders: str) -> Path:
    path = root / "page.md"
    path.write_text(f"before\n<!-- scores: {folders} -->\nold\n<!-- end -->\nafter 12.3\n")
    return path


def test_means_over_seeds_of_every_row(root):
    path = page(root, "kept/*")
    assert fill(path, root)
    text = path.read_text()
    assert text.startswith("before\n<!-- scores: kept/* -->\n| run |")
    assert text.endswith("|\n<!-- end -->\nafter 12.3\n")
    assert "old" not in text
    lines = read_lines(Score, root / "kept/one" / SCORES)
    first = [x.jf for x in lines if (x.row, x.dataset) == (lines[0].row, lines[0].dataset)]
    assert len(first) > 1
    assert f"| {sum(first) / len(first):.1f} ± " in text
    assert text.count("\n| ") == 2 + len({line.row for line in lines})
    assert not fill(path, root)


def test_what_cannot_be_filled_is_one_clear_line(root):
    with pytest.raises(UserError, match="kept/none: no published results"):
        fill(page(root, "kept/none"), root)
    (root / "plain.md").write_text("no marker")
    with pytest.raises(UserError, match=r"plain.md: no table to fill"):
        fill(root / "plain.md", root)
    with pytest.raises(UserError, match="cannot be read"):
        fill(root / "absent.md", root)


@pytest.mark.parametrize("name", [path.name for path in PAGES])
def test_the_repositorys_pages_show_what_the_files_say(name, tmp_path):
    copy = tmp_path / name
    copy.write_text((REPOSITORY / "docs" / name).read_text())
    done = subprocess.run(
        [sys.executable, "-m", "ttvos", "fill", str(copy)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "up to date" in done.stdout


def test_files_are_found_beside_the_page_in_its_repository_and_in_this_one(root):
    repository = root / "theirs"
    (repository / ".git").mkdir(parents=True)
    (repository / "pages").mkdir()
    shutil.copytree(root / "kept", repository / "kept")
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    deep = page(repository / "pages", "kept/one")
    assert fill(deep, elsewhere)
    beside = page(root, "kept/one")
    assert fill(beside, elsewhere)
    assert beside.read_text() == deep.read_text()
    assert fill(page(elsewhere, "kept/one"), root)
    with pytest.raises(UserError, match="missing/none: no published results"):
        fill(page(repository / "pages", "missing/none"), elsewhere)


def test_an_absolute_path_in_a_page_is_one_clear_line(root):
    with pytest.raises(UserError, match="name /kept/one relative to the page"):
        fill(page(root, "/kept/one"), root)


def test_a_switch_is_compared_with_its_base_seed_by_seed(tmp_path):
    publish(write_profile(tmp_path / "base", seeds=(0, 1, 2)), tmp_path / "kept/base")
    publish(write_profile(tmp_path / "other", ("exp8-hrnet",)), tmp_path / "kept/other")
    sequences = tmp_path / "kept/other" / SEQUENCES
    better = [replace(x, jf=x.jf + 2.5) for x in read_lines(SequenceScore, sequences)]
    sequences.write_text(to_csv(SequenceScore, better))
    path = tmp_path / "page.md"
    path.write_text("<!-- switches: kept/base kept/other -->\n<!-- end -->\n")
    assert fill(path, tmp_path)
    base = 100 * (0.5 + 0.03 * 8)
    # The base's three seeds have 1 point more in the mean than its seed 0; the switch has two.
    assert f"| Tiny real data | {base + 1:.1f} | {base - 9:.1f} |" in path.read_text()
    assert f"| {base + 0.5 + 2.5:.1f}, +2.5 [+2.5, +2.5] (2 seeds) |" in path.read_text()


def test_a_switch_of_several_rows_or_of_other_seeds_is_one_clear_line(tmp_path):
    publish(write_profile(tmp_path / "base"), tmp_path / "kept/base")
    publish(write_profile(tmp_path / "other", ("exp8-hrnet",), (5,)), tmp_path / "kept/other")
    path = tmp_path / "page.md"
    path.write_text("<!-- switches: kept/base kept/base -->\n<!-- end -->\n")
    with pytest.raises(UserError, match="base: a switch has one trained row, not 8"):
        fill(path, tmp_path)
    path.write_text("<!-- switches: kept/base kept/other -->\n<!-- end -->\n")
    with pytest.raises(UserError, match="other: shares no seed of exp8-hrnet on val3 with base"):
        fill(path, tmp_path)
