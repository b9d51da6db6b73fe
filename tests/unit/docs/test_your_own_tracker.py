"""The worked example of docs/your-own-tracker.md does what the page says, command by command."""

import json
import re
import shlex

import pytest

from ttvos.cli.main import main
from ttvos.config.experiments import EXPERIMENTS, load_rows
from ttvos.core.provenance import REPOSITORY

PAGE = REPOSITORY / "docs" / "your-own-tracker.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_page_is_short():
    assert len(PAGE.read_text().splitlines()) < 40


@pytest.fixture
def beside_it(tmp_path, monkeypatch, tiny_davis):
    """A folder with the page's tracker in it, and data under the page's name for it."""
    (tmp_path / "my_tracker.py").write_text(blocks("python")[0])
    (tmp_path / "DAVIS").symlink_to(tiny_davis)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_its_commands_run_and_it_tracks(beside_it, capsys):
    commands = [shlex.split(line) for line in blocks("sh")[0].splitlines()]
    assert [command[1] for command in commands] == ["cost", "speed", "predict", "evaluate"]
    for command in commands:
        size = ["--height", "64", "--width", "96"] if command[1] in ("cost", "speed") else []
        assert main([*command[1:], *size]) == 0, capsys.readouterr().err
    scores = json.loads((beside_it / "scores.json").read_text())
    assert scores["global"]["J&F-Mean"] > 0.5
    assert "ColourModel, 64x96" in capsys.readouterr().out
    speed = json.loads((beside_it / "speed.json").read_text())
    assert speed["growth"]["state_bytes_last"] == speed["growth"]["state_bytes_first"]


def test_its_line_of_variants_is_a_row(tmp_path):
    line = re.search(r"printf '(.*)' >> data/experiments.tsv", PAGE.read_text())[1]
    text = EXPERIMENTS.read_text()
    (tmp_path / "experiments.tsv").write_text(text + line.replace("\\t", "\t").replace("\\n", "\n"))
    row = load_rows(tmp_path / "experiments.tsv")["mine"]
    assert (row.tracker, row.tables) == ("my_tracker:ColourModel", ())
