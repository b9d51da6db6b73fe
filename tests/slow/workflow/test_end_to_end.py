"""The whole workflow on tiny clips, as a user types it, in a copy of the repository."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.slow.workflow import running
from tests.slow.workflow.running import Ended, copy_repository, dry_run
from ttvos.config.run import MiniConfig
from ttvos.data.builtin.clips import generate
from ttvos.report.report import expected_files

PROFILE = "tests/slow/workflow/tiny.yaml"
NEW_LINE = ("\nfrom ", "\nCHANGED = 1\nfrom ")  # the first import, with a line of code before it


pytestmark = pytest.mark.timeout(running.PATIENCE)


def options(*arguments: str) -> tuple[str, ...]:
    return ("--configfile", PROFILE, *arguments, "--", "reports/")


def snakemake(project: Path, *arguments: str) -> Ended:
    return running.snakemake(project, *options(*arguments))


def planned(project: Path, *arguments: str) -> dict[str, int]:
    """Rules that a dry run would run, with their counts."""
    return dry_run(project, *options(*arguments)).jobs


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the repository in which the workflow has run once."""
    folder = copy_repository(tmp_path_factory.mktemp("project"))
    generate(folder / "foreign", MiniConfig(1, 64, 96, 8, 3, 2, 3, 2))
    snakemake(folder).must_do()
    return folder


@contextmanager
def changed(path: Path, old: str, new: str) -> Iterator[None]:
    """A file with its first `old` replaced; afterwards as it was, with its time."""
    text, times = path.read_text(), path.stat()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def without(project: Path, path: Path) -> Iterator[None]:
    """A file or folder put aside."""
    aside = project / f"aside-{path.name}"
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


def test_every_table_and_figure_is_there(project):
    missing = [
        name for name in expected_files(notebook=True) if not (project / "reports" / name).is_file()
    ]
    assert missing == []


def test_a_second_run_does_nothing(project):
    assert planned(project) == {}


def test_results_carry_their_provenance(project):
    results = [
        path
        for folder in ("train", "predict", "evaluate", "cost", "speed", "trackers")
        for path in (project / "results/tiny" / folder).rglob("[!.]*.json")
    ]
    assert len(results) > 10
    for path in results:
        origin = json.loads(path.read_text())["provenance"]
        assert origin["source"], path
        assert origin["libraries"]["torch"], path
    scores = json.loads((project / "results/tiny/evaluate/exp8-hrnet-s0/davis17.json").read_text())
    assert scores["provenance"]["data"]["profile"] == "tiny"


def test_ground_truth_as_foreign_masks_scores_one(project):
    scores = json.loads((project / "results/tiny/evaluate/masks-Truth/davis17.json").read_text())
    assert scores["global"]["J&F-Mean"] == 1


def test_the_page_says_what_it_shows(project):
    page = (project / "reports/index.html").read_text()
    assert "Tiny clips of the test suite" in page
    assert "no number here means anything" in page


def test_the_page_shows_the_time_of_every_rule(project):
    page = (project / "reports/index.html").read_text()
    table = page[page.index("Time of each rule") : page.index("Every result file")]
    times = dict(re.findall(r'"text">(\w+)</td><td>(\d+)</td>', table))
    assert times == {
        "mini_clips": "1",
        "train": "2",
        "train_frtm": "1",
        "predict": "4",
        "track": "2",
        "reference": "4",
        "evaluate": "11",
        "failures": "11",
        "cost": "1",
        "speed": "1",
        "peer_costs": "1",
        "tracker_speed": "2",
        "notebook": "1",
    }
    assert "its time is known only afterwards" in table
    assert re.search(r"took \d+ seconds from the start of Snakemake.*all 42 jobs in it", table)
    assert (project / "results/tiny/benchmarks/reports.tsv").is_file()


def test_the_page_names_the_precision_of_the_masks_behind_the_scores(project):
    masks = project / "results/tiny/predict/exp8-hrnet-s0/davis17/predict.json"
    precision = json.loads(masks.read_text())["provenance"]["precision"]
    page = (project / "reports/index.html").read_text()
    assert f"masks tracked in {precision}" in page


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Time and size of all that lies in a folder, but for what Snakemake and Python keep there."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file() and not {".snakemake", "__pycache__"} & set(path.parts)
    }


def test_a_dry_run_writes_nothing(project):
    """Neither for changed settings, nor for deleted files, nor where nothing was made yet."""
    mask = next((project / "results/tiny").glob("predict/still/davis17/*/00002.png"))
    with without(project, mask):
        before = contents(project)
        jobs = planned(project, "--config", "title=Another")
        assert jobs == {
            "note": 1,
            "reference": 1,
            "evaluate": 1,
            "failures": 1,
            "notebook": 1,
            "reports": 1,
        }
        assert planned(project, "--config", "results=results/new")["train"] == 2
        assert len(before) > 100
        assert contents(project) == before


# What deleted files or a folder, or a changed text, makes run again: exactly that and what
# follows from it.
@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        (
            "cost/exp2-hrnet.json evaluate/flow/davis16.json speed/exp8-hrnet.json"
            " trackers/cost/gc.json trackers/speed/frtm-resnet18.json",
            {"cost": 1, "evaluate": 1, "speed": 1, "peer_costs": 1, "tracker_speed": 1},
        ),
        (
            "predict/frtm-resnet18-tm-s0/davis16/*/00002.png",
            {"track": 1, "evaluate": 1, "failures": 1},
        ),
        ("predict/still/davis17", {"reference": 1, "evaluate": 1, "failures": 1}),
        ("predict/still/davis17/predict.json", {"reference": 1, "evaluate": 1, "failures": 1}),
        ("predict/exp8-hrnet-s0/davis17.maps.npz", {"predict": 1, "evaluate": 1, "failures": 1}),
        ("predict/exp8-hrnet-s0/davis17/*/00003.png", {"predict": 1, "evaluate": 1, "failures": 1}),
        (
            "train/exp2-hrnet-s0/checkpoint.safetensors",
            {"train": 1, "predict": 2, "evaluate": 2, "failures": 2},
        ),
        (
            "data/davis/JPEGImages/*/*/00003.jpg",
            {
                "mini_clips": 1,
                "train": 2,
                "predict": 4,
                "reference": 4,
                "evaluate": 11,
                "failures": 11,
            }
            | {"train_frtm": 1, "track": 2},
        ),
    ],
)
def test_a_deleted_result_is_made_again(project, deleted, expected):
    with ExitStack() as changes:
        results = project / "results/tiny"
        for name in deleted.split():
            changes.enter_context(without(project, next(results.glob(name))))
        assert planned(project) == {**expected, "note": 1, "notebook": 1, "reports": 1}


@pytest.mark.parametrize("deleted", ["", "index.html", "table4.csv"])
def test_a_deleted_report_is_made_again_from_the_results(project, deleted):
    with without(project, project / "reports" / deleted):
        assert planned(project) == ({"note": 1, "reports": 1} if deleted else {"reports": 1})


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (PROFILE, "Two steps of training", "2 steps of training", {}),
        (PROFILE, "rows: [exp2-hrnet, exp8", "rows: [exp8", {"cost": 1}),
        (
            PROFILE,
            "cost: {height: 64",
            "cost: {height: 48",
            {"cost": 1, "peer_costs": 1, "tracker_speed": 2},
        ),
        (
            PROFILE,
            "cost: {height: 64",
            "precision: bfloat16\ncost: {height: 64",
            {"predict": 4, "evaluate": 4, "failures": 4},
        ),
        (
            PROFILE,
            "frames: 2, repeats: 5",
            "frames: 2, precision: float32, repeats: 5",
            {"speed": 1},
        ),
        (PROFILE, "repeats: 5", "repeats: 6", {"speed": 1}),
        (
            PROFILE,
            "learning_rate: 0.001, steps: 2}\nfrtm",
            "learning_rate: 0.002, steps: 2}\nfrtm",
            {"train": 2, "predict": 4, "evaluate": 4, "failures": 4},
        ),
        (
            PROFILE,
            "target: {channels: 4",
            "target: {channels: 3",
            {"train_frtm": 1, "track": 2, "evaluate": 2, "failures": 2},
        ),
        (
            "data/peers/gc.yaml",
            'tracker: "ttvos.peers.gc:GC"',
            'tracker: "ttvos.peers.stm:STM"',
            {"peer_costs": 1, "tracker_speed": 1},
        ),
        ("ttvos/peers/stm.py", *NEW_LINE, {"peer_costs": 1, "tracker_speed": 1}),
        ("ttvos/evaluation/davis.py", *NEW_LINE, {"evaluate": 11}),
        ("ttvos/evaluation/fixes.py", *NEW_LINE, {"failures": 11}),
        ("ttvos/measure/cost.py", *NEW_LINE, {"cost": 1}),
        ("ttvos/tracking/baselines.py", *NEW_LINE, {"reference": 4, "evaluate": 4, "failures": 4}),
        ("ttvos/report/writers.py", *NEW_LINE, {}),
        (
            "ttvos/model/refinement.py",
            *NEW_LINE,
            {"predict": 4, "evaluate": 4, "failures": 4, "cost": 1, "speed": 1},  # and no training
        ),
    ],
)
def test_a_change_runs_what_depends_on_it_and_no_more(project, file, old, new, expected):
    with changed(project / file, old, new):
        assert planned(project) == {**expected, "notebook": 1, "reports": 1}


def test_a_repaired_result_is_whole_and_stays(project):
    """The second deletion must be seen beside the note of the first."""
    mask = next((project / "results/tiny").glob("predict/still/davis17/*/00002.png"))
    before = mask.read_bytes()
    mask.unlink()
    snakemake(project).must_do()
    assert mask.read_bytes() == before
    assert planned(project) == {}
    mask.unlink()
    assert planned(project)["reference"] == 1
    snakemake(project).must_do()


def test_changed_settings_are_those_that_the_commands_read(project):
    """And what follows from them is made once: also back, from the settings of before."""
    for title in ("Another title", yaml.safe_load((project / PROFILE).read_text())["title"]):
        other = ("--config", f"title={title}")
        assert planned(project, *other) == {"notebook": 1, "reports": 1}
        snakemake(project, *other).must_do()
        manifest = json.loads((project / "results/tiny/manifest.json").read_text())
        assert manifest["title"] == title
        assert title in (project / "reports/index.html").read_text()
        assert planned(project, *other) == {}


def test_what_the_profile_names_and_is_not_there_is_one_clear_line(project):
    wrong = "masks=[{name: M, root: /nope, datasets: []}]"
    done = dry_run(project, *options("--config", wrong))
    told = done.said.splitlines()
    assert done.code == 1
    assert len([line for line in told if "masks: M: /nope: no such folder" in line]) == 1
    assert not [line for line in told if "Traceback" in line or "MissingInput" in line]


def test_changed_docstrings_and_comments_run_nothing(project):
    with ExitStack() as changes:
        for file in ("model/refinement", "training/loop", "evaluation/metrics", "report/writers"):
            path = project / f"ttvos/{file}.py"
            changes.enter_context(changed(path, '"""', '"""Changed. '))
            changes.enter_context(changed(path, "\n\n", "\n# changed\n\n"))
        assert planned(project) == {}


def test_changed_code_of_training_is_told_of_and_trains_nothing(project):
    assert "has changed" not in dry_run(project, *options()).said
    with changed(project / "ttvos/training/ttvos.py", *NEW_LINE):
        done = dry_run(project, *options())
    assert done.jobs == {}
    (line,) = [line for line in done.said.splitlines() if "has changed" in line]
    assert "exp2-hrnet-s0, exp8-hrnet-s0" in line
    assert "frtm" not in line


def test_an_unknown_key_is_one_clear_line(project):
    done = dry_run(project, *options("--config", "colour=1"))
    assert done.code == 1
    assert "unknown key 'colour'" in done.said
    assert "Traceback" not in done.said


def test_a_failing_job_leaves_nothing_half_written(project):
    """A damaged clip stops the run; the damaged sequence's masks do not appear."""
    clips = project / "results/tiny/data/davis"
    clip = (clips / "ImageSets/2017/val.txt").read_text().split()[0]
    frame = clips / "JPEGImages/64p" / clip / "00003.jpg"
    whole = frame.read_bytes()
    masks = project / "results/tiny/predict/exp8-hrnet-s0/davis17"
    shutil.rmtree(masks)
    frame.write_bytes(whole[:200])
    try:
        done = snakemake(project)
        log = (project / "results/tiny/logs/predict/exp8-hrnet-s0-davis17.log").read_text()
        assert done.code == 1
        assert frame.name in log
        assert not masks.exists()
    finally:
        frame.write_bytes(whole)
