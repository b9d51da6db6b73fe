"""The notebook: stored without outputs, runs on result files alone."""

import ast
import html
import json
import os
import re
import subprocess
import sys

import pytest

from ttvos.core.provenance import REPOSITORY
from ttvos.plan.manifest import load_manifest
from ttvos.report.figure_weights import conclusion, load_weights

NOTEBOOK = REPOSITORY / "notebooks" / "adaptive_weight.ipynb"


def code_cells() -> list[dict]:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def one_line(text: str) -> str:
    """A page's text as it is read, with single blanks."""
    return " ".join(html.unescape(text).split())


def numbers_after(words: str, text: str) -> list[str]:
    """The two numbers of "WORDS low to high", each as it is printed."""
    return re.findall(rf"{words} +(-?\d\.\d+) to (-?\d\.\d+)", one_line(text))


def test_is_stored_without_outputs():
    for cell in code_cells():
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_opens_files_only_through_the_report_package():
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for cell in code_cells()
        for node in ast.walk(ast.parse("".join(cell["source"])))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    own = {name for name in imported if name.startswith("ttvos")}
    assert own == {
        "ttvos.core.provenance",
        "ttvos.report.correlation",
        "ttvos.report.figure_weights",
        "ttvos.plan.manifest",
    }
    assert imported - own == {"os", "textwrap", "matplotlib.pyplot", "numpy", "pandas"}


def test_executes_with_figures_whatever_the_users_matplotlib_is_set_to(run, tmp_path):
    pytest.importorskip("nbconvert", reason="nbconvert comes with the extra 'workflow'")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nbackend: svg\n")
    options = ["--execute", "--to", "html", "--template", "basic"]
    command = [sys.executable, "-m", "nbconvert", *options]
    subprocess.run(
        [*command, "--output-dir", str(tmp_path), str(NOTEBOOK)],
        env={
            **os.environ,
            "TTVOS_MANIFEST": str(run),
            "MPLBACKEND": "Agg",
            "MPLCONFIGDIR": str(tmp_path),
        },
        check=True,
        capture_output=True,
        timeout=120,
    )
    text = (tmp_path / "adaptive_weight.html").read_text()
    assert "10 objects of davis17, seed 0" in text
    located = load_manifest(run)
    sentence = conclusion(load_weights(located), located.manifest)
    assert "supports its sign" in sentence
    assert sentence in one_line(text)
    formula, function = numbers_after("by the formula:", text), numbers_after("function:", text)
    assert formula == function != []
    assert text.count("data:image/png") == 3
    assert text.count('alt="') == 3
    assert "No description has been provided" not in text
    assert "<script" not in text


def test_without_weights_every_cell_still_runs(change, small_run, monkeypatch):
    """The cells as one program; a run without predictions has nothing to draw."""
    monkeypatch.setenv("MPLBACKEND", "Agg")  # as it is put back after the cells have set it
    change("manifest.json", lambda values: values.update(rows=[]))
    monkeypatch.setenv("TTVOS_MANIFEST", str(small_run))
    source = "\n".join("".join(cell["source"]) for cell in code_cells())
    shown = []
    exec(compile(source, str(NOTEBOOK), "exec"), {"display": shown.append})
    assert [frame.empty for frame in shown] == [True, True]
