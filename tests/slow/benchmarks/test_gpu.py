"""The GPU script tried on the CPU, whole: every step ends, and its result is where it should be."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ABSENT = Path(__file__).parent / "absent"  # modules that a device machine may lack
FILES = ("masks", "tracker", "sweep", "kernels", "peers", "steptime", "growth")


def gpu(*arguments: object, absent: Path = ABSENT) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(absent)}
    words = [str(ROOT / "benchmarks/gpu.sh"), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=environment)


@pytest.mark.timeout(1800)
def test_dry_run_to_its_last_line(tmp_path):
    done = gpu("--dry", "--out", tmp_path, "all", "ablations")
    summary = (tmp_path / "summary.tsv").read_text()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    ended = dict(line.split("\t")[:2] for line in summary.splitlines())
    assert ended == dict.fromkeys((*FILES, "train", "ablations"), "done")
    with tarfile.open(tmp_path / "results.tar.gz") as archive:
        packed = set(archive.getnames())
    for name in FILES:
        assert json.loads((tmp_path / f"{name}-cpu.json").read_text())["provenance"]["commit"]
        assert f"./{name}-cpu.json" in packed
    assert not any(name.startswith("./dry-data") for name in packed)
    for name, count in {"train": 1, "ablations": 2}.items():
        plan = json.loads((tmp_path / name / "plan.json").read_text())
        assert list(plan["trainings"].values()) == ["finished"] * count
    assert (tmp_path / "train/exp8-hrnet-s0/checkpoint.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--out", "x", "speeed"), "speeed"),
        (("--dry", "--seconds", "soon"), "soon"),
        (("masks",), "--out"),
        (("--out", "OUT", "masks"), "pack"),
        (("--data",), "--data"),
        (("pack",), "pack FOLDER"),
    ],
)
def test_wrong_calls_end_in_one_line(tmp_path, arguments, word):
    done = gpu(*(tmp_path if argument == "OUT" else argument for argument in arguments))
    assert done.returncode == 1
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_names_every_step():
    told = gpu("--help").stdout
    for name in (*FILES, "joined", "compiled", "train", "training", "ablations", "pack"):
        assert name in told


def pack_wheels(folder: Path) -> None:
    """What `gpu.sh pack` fetches, made of the packages that are installed here."""
    folder.mkdir()
    for name in ("pydantic", "pydantic-core", "annotated-types", "typing-inspection"):
        found = distribution(name)
        with zipfile.ZipFile(folder / f"{name}.whl", "w") as wheel:
            for file in found.files:
                if "__pycache__" not in file.parts and ".." not in file.parts:
                    wheel.write(file.locate(), file)


def test_pydantic_comes_from_the_pack_where_python_lacks_it(tmp_path):
    call = {"absent": ABSENT.with_name("absent-pydantic")}
    done = gpu("--dry", "--out", tmp_path, "kernels", **call)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no pydantic, and the pack brings none" in done.stderr
    subprocess.run(
        [sys.executable, "-m", "benchmarks.dry_pack", tmp_path / "dry"], cwd=ROOT, check=True
    )
    pack_wheels(tmp_path / "dry/wheels")
    done = gpu("--dry", "--data", tmp_path / "dry", "--out", tmp_path / "out", "kernels", **call)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
