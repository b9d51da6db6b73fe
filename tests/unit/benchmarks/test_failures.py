"""Accounts of lost points side by side, and that a page can show them."""

import json

import numpy as np

from benchmarks.failures import main
from ttvos.core.video import write_mask
from ttvos.evaluation.failures import find_failures
from ttvos.records.store import write
from ttvos.report.publication.benchmarks import benchmark_block


def test_lines_are_the_records_and_a_page_shows_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for t in range(16):
        mask = np.zeros((40, 60), dtype=np.uint8)
        mask[10:30, 20:40] = 1
        write_mask(tmp_path / f"truth/one/{t:05}.png", mask)
        write_mask(tmp_path / f"masks/one/{t:05}.png", mask * (t < 3))
    write("one.json", find_failures(tmp_path / "masks", truth=tmp_path / "truth"))
    assert main(["--out", "kept.json", "Mine=one.json"]) == 0
    kept = json.loads((tmp_path / "kept.json").read_text())
    (line,) = kept["masks"]
    assert (line["J&F"], line["lost"], line["contour"]) == ("14.3", "85.7", "0.0")
    assert (line["losses"], line["median frame"], line["came back"]) == ("1", "3", "0")
    assert kept["losses"][0]["object"] == "one_1"
    assert str(tmp_path) not in (tmp_path / "kept.json").read_text()
    shown = benchmark_block("kept.json masks losses | make it", tmp_path)
    assert "| 14.3" in shown
    assert "never" in shown
    assert main(["--out", "kept.json", "one.json"]) == 1
    assert "expected NAME=FILE" in capsys.readouterr().err
