"""Where published data lies, or will lie, and what must be fetched by hand."""

from pathlib import Path

import pytest

from ttvos.data.places import named_sources, place, to_fetch_by_hand
from ttvos.data.recognise import STILLS
from ttvos.data.sources import find_source


def stills(folder: Path, kind: str, count: int) -> Path:
    """A set of that layout and size; its files are empty, which only a check would notice."""
    for name, suffix in zip(STILLS[kind], (".jpg", ".png"), strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (folder / name / f"{number:04}{suffix}").touch()
    return folder


def test_a_whole_set_is_used_where_it_lies(tmp_path):
    there = stills(tmp_path / "photos" / "set A", "ecssd", 1000)
    assert place(find_source("ecssd"), tmp_path) == there


def test_a_part_of_a_set_is_not_the_set(tmp_path):
    stills(tmp_path / "photos", "ecssd", 999)
    assert place(find_source("ecssd"), tmp_path) == tmp_path / "ECSSD"


def test_what_is_not_there_will_be_where_fetch_puts_it(tmp_path):
    assert place(find_source("davis2017"), tmp_path / "none") == tmp_path / "none/DAVIS-2017"
    weights = place(find_source("imagenet-hrnet"), tmp_path)
    assert weights == tmp_path / "imagenet/hrnet.safetensors"


def test_paths_are_named_wherever_the_sets_lie(tmp_path):
    there = str(stills(tmp_path / "photos", "ecssd", 1000))
    davis = str(tmp_path / "DAVIS-2017")
    found = named_sources([there, davis, str(tmp_path / "mine"), "elsewhere"], tmp_path)
    assert found == {there: "ecssd", davis: "davis2017"}
    assert named_sources(["results/data/stills"], tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "words"), [("ytvos2018", "train.zip"), ("hku-is", "HKU-IS.rar"), ("davis2017", None)]
)
def test_gated_data_must_be_fetched_by_hand(tmp_path, name, words):
    text = to_fetch_by_hand(find_source(name), tmp_path)
    assert text is None if words is None else words in text


def test_nothing_is_asked_for_that_is_there(tmp_path):
    stills(tmp_path / "HKU-IS", "hku-is", 1)
    assert to_fetch_by_hand(find_source("hku-is"), tmp_path) is None
    archive = tmp_path / "downloads/ytvos2018/train.zip"
    archive.parent.mkdir(parents=True)
    archive.touch()
    assert to_fetch_by_hand(find_source("ytvos2018"), tmp_path) is None
