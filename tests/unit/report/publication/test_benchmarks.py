"""Results of benchmarks and of `ttvos speed` in a page: what is there, and what is not run."""

import json

import pytest

from tests.unit.report import fake_results
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.measure.speedtable import make_rows, terminal_table
from ttvos.report.publication.benchmarks import (
    benchmark_block,
    live_block,
    speed_block,
    words,
    written,
)
from ttvos.report.publication.fill import fill

ORIGIN = {
    **provenance(device="Imaginary CPU", precision="float32", threads=2),
    "commit": "abc",
    "time": "2026-01-02T03:04:05+00:00",
    "libraries": {"torch": "9.9"},
}
RESULT = {
    "paths": {"plain": {"median": 0.5, "seconds": [0.5], "share": 0.25}, "fast": {"median": 0.125}},
    "speed": [{"name": "a", "ratio": {"x": 2.0}}, {"name": "b", "peak_memory_bytes": 3 << 20}],
    "medians": {"decode": 12.5, "peak_bytes": 1 << 20},
    "repeats": {"decode": [1, 2, 4]},
    "clip": {"frames": 9, "late": {"seconds": [2.0, 3.0, 9.0], "memory_bytes": 2 << 20}},
    "bars": {
        "times_faster": {"value": 4.0, "bar": 1.5, "asked": "at least", "holds": True},
        "waiting_share": {"value": 0.2, "bar": 0.1, "asked": "at most", "holds": False},
    },
    "provenance": ORIGIN,
}


def speed_result(backbone: str) -> dict:
    """A speed file of TTVOS with 30 latencies."""
    frame = {"macs": 5_490_000_000, "seconds": 0.1, "fraction": 0.5, "matrix_rate_fraction": 0.25}
    plain = {**frame, "fraction": 0.25, "matrix_rate_fraction": 0.1}
    clip = {**plain, "macs": 15_000_000_000, "fraction": 0.2}
    spread = {"fps_min": 7.5, "fps_max": 8.46, "relative": 0.12}
    made = fake_results.speed(8.0)
    made["streaming"] |= {"p90_ms": 130.0, "repeats": [[125.0] * 6] * 5, "spread": spread}
    made |= {"variant": "exp8", "backbone": backbone, "objects": 1}
    made |= {
        "released": {"fps": 2.0, "frames": 3},
        "released_warm": {"fps": 2.5, "seconds": [0.8], "frames": 2},
        "ratio_to_released": 3.2,
        "roofline": {"streaming": frame, "released": clip, "released_warm": plain},
        "provenance": ORIGIN,
    }
    return {**made, "rows": make_rows(made)}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/tracker.json").write_text(json.dumps(RESULT))
    for backbone in ("hrnet", "resnet18"):
        path = tmp_path / f"kept/speed-{backbone}.json"
        path.write_text(json.dumps(speed_result(backbone)))
    return tmp_path


def squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines())


@pytest.mark.parametrize(
    ("shown", "expected", "absent"),
    [
        (
            "",
            "Measured on Imaginary CPU, float32, 2 threads, PyTorch 9.9, 2026-01-02, commit",
            "plain",
        ),
        ("", "| times faster | 4.00 | at least 1.50 | holds |", "decode"),
        ("", "| waiting share | 20.0% | at most 10.0% | **missed** |", "decode"),
        ("paths speed", "\nPaths:\n\n| | median | share |", "decode"),
        ("paths speed", "| plain | 0.500 | 25.0% |\n| fast | 0.125 | |", "decode"),
        ("paths speed", "| name | ratio x | peak memory |", "decode"),
        ("paths speed", "| b | | 3 MiB |", "decode"),
        ("medians", "| decode | 12.5 |\n| peak | 1 MiB |", "frames"),
        ("repeats", "\nRepeats:\n\n| | median |\n| ------ | -----: |\n| decode | 2 |", "frames"),
        ("clip", "| late | 3.00 | 2 MiB |", "frames"),
        (
            "paths:share",
            "| | share |\n| ----- | ----: |\n| plain | 25.0% |\n| fast | |",
            "median",
        ),
        (
            "speed:ratio_x,name",
            "| ratio x | name |\n| ------: | ---- |\n| 2.00 | a |\n| | b |",
            "memory",
        ),
    ],
)
def test_bars_and_chosen_tables_are_shown(root, shown, expected, absent):
    text = squeezed(benchmark_block(f"kept/tracker.json {shown} | make it", root))
    assert expected in text
    assert absent not in text


@pytest.mark.parametrize("asked", ["at least", "at most"])
def test_a_bar_that_is_just_met_says_what_was_asked(root, asked):
    """Value and bar alone do not tell: 2 is at least 2, and at most 2."""
    bars = {"ratio": {"value": 2.0, "bar": 2.0, "asked": asked, "holds": True}}
    (root / "kept/tracker.json").write_text(json.dumps(RESULT | {"bars": bars}))
    text = squeezed(benchmark_block("kept/tracker.json | make it", root))
    assert f"| ratio | 2.00 | {asked} 2.00 | holds |" in text
    del bars["ratio"]["asked"]
    (root / "kept/tracker.json").write_text(json.dumps(RESULT | {"bars": bars}))
    with pytest.raises(UserError, match="bar ratio: asked must be at least or at most"):
        benchmark_block("kept/tracker.json | make it", root)


def test_what_was_not_run_says_how_to_run_it(root):
    for block in (benchmark_block, speed_block):
        text = block("kept/absent.json | python benchmarks/tracker.py --device cuda", root)
        assert text.startswith("**Not run.**")
        assert "```sh\npython benchmarks/tracker.py --device cuda\n```" in text


def test_speed_files_share_one_table(root):
    text = squeezed(speed_block("kept/speed-*.json | ttvos speed", root))
    assert text.count("Measured on") == 1
    assert text.count("\n| exp8-") == 6
    assert "| bfloat16 | fast, compiled | streaming | 8.00 | 125.0 | 130.0 | – | 30 |" in text
    assert "| 30 | 12% | 700 | 5.49 | 50% | 25% | 3.20 |" in text
    assert "| released | 2.00 | | | | | | | 5.00 | 20% | 10% | 1.00 |" in text
    assert "| released, warm | 2.50 | | | | | | | 5.49 | 25% | 10% | 1.00 |" in text


def test_live_files_share_one_table(root):
    write_live(root / "kept/live-ours.json", "ours", 0.66)
    write_live(root / "kept/live-masks.json", "theirs", 0.8, notes=["an upper bound"])
    text = live_block("kept/live-*.json | ttvos live", root)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert lines[0] == ["masks of", "latency, ms", "its device", "offline", "10/s", "30/s", "120/s"]
    assert lines[2][:4] == ["theirs", "40.0", "Imaginary CPU <2 cores>", "80.0"]
    assert lines[3][4:] == ["60.9", "57.2", "48.5"]
    assert "- theirs: an upper bound." in text
    assert "ttvos live --out x" in live_block("kept/none.json | ttvos live --out x", root)


def write_live(path, name, offline, **more):
    path.write_text(json.dumps({**fake_results.live(offline, 40.0), "tracker": name, **more}))


def test_a_terminal_has_a_column_for_each_protocol():
    text = terminal_table(speed_result("hrnet")["rows"])
    assert text.startswith("exp8-hrnet, 480x854, 1 object\nImaginary CPU, 2 threads\n")
    assert max(map(len, text.splitlines())) <= 100
    text = squeezed(text)
    assert "| | streaming | released | released, warm |" in text
    assert "| engine | fast, compiled | released | released |" in text
    assert "| p90 ms | 130.0 | | |" in text
    assert "p99" not in text  # of 30 latencies


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("kept/tracker.json", "expected FILE"),
        ("| make it", "expected FILE"),
        ("kept/tracker.json paths:other | make it", "holds no table paths:other"),
        ("kept/tracker.json none | make it", "holds no table none"),
        ("kept/speed-hrnet.json | make it", "not a benchmark's result"),
    ],
)
def test_wrong_markers_are_one_clear_line(root, named, words):
    with pytest.raises(UserError, match=words):
        benchmark_block(named, root)


def test_a_page_is_filled_and_stays_as_it_is(root):
    page = root / "page.md"
    page.write_text(
        "a\n<!-- benchmark: kept/tracker.json paths | x -->\n<!-- end -->\nb\n"
        "<!-- speed: kept/speed-*.json | x -->\n<!-- end -->\n"
        "<!-- benchmark: kept/absent.json | y -->\n<!-- end -->\n"
    )
    assert fill(page, root)
    text = page.read_text()
    assert text.count("<!-- end -->") == 3
    assert text.count("**Not run.**") == 1
    assert "\n<!-- end -->\nb\n" in text
    assert not fill(page, root)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("peak_memory_bytes", 1536 << 20, "1,536 MiB"),
        ("bytes", 1 << 20, "1 MiB"),
        ("flops_per_s", 133.4e9, "133 G"),
        ("macs", 5_489_000_000, "5.49 G"),
        ("matrix_rate_fraction", 0.613, "61.3%"),
        ("float32 agreement", 0.99934, "99.934%"),
        ("count", 12345, "12,345"),
        ("ratio", 2.2049, "2.20"),
        ("difference", 3e-16, "3.00e-16"),
        ("difference", 0.0, "0"),
        ("seconds", 1234.5, "1,234"),
        ("holds", False, "no"),
        ("name", "float32", "float32"),
        ("missing", None, ""),
    ],
)
def test_numbers_are_written_by_what_they_are(key, value, text):
    assert written(key, value) == text


def test_keys_are_words():
    assert words("peak_memory_bytes") == "peak memory"
    assert words("over_plain") == "over plain"


def test_an_estimate_does_not_say_that_it_was_measured(root):
    origin = {**ORIGIN, "device": "no device", "measured": False}
    (root / "kept/estimate.json").write_text(json.dumps({"bars": {}, "provenance": origin}))
    block = benchmark_block("kept/estimate.json | make", root)
    assert block.startswith("Estimated, not measured: float32, 2 threads, ")
    assert "no device" not in block
