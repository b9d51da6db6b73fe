"""The explorer in a browser, opened from disk: from the matrix to the curve to the frame."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.unit.report.explorer.explored_run import write_explored_run
from ttvos.core.video import read_mask
from ttvos.report.explorer.explore import explore
from ttvos.report.explorer.pictures import shrink
from ttvos.report.inputs import load_inputs
from ttvos.report.publication import form
from ttvos.report.report import render

SIZE = (48, 32)
LAST = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A made-up run, explored and rendered into its folder `reports`."""
    folder = tmp_path_factory.mktemp("explored")
    manifest = write_explored_run(folder)
    explore(manifest, "tiny", folder / "explorer/tiny", size=48)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "FOLDER", folder / "nothing-is-kept")
        render(load_inputs(manifest), folder / "reports")
    return folder


@pytest.fixture
def visit(folder, open_page):
    """visit(hash, ...): the page at that hash, once the explorer has drawn a frame."""

    def open_at(words: str = "", **window):
        page = open_page(f"{folder}/reports/index.html{words}", **window)
        page.wait_for_selector(".explore-views canvas[aria-label]")
        return page

    return open_at


def at_frame(page, number: int) -> None:
    """Wait until frame `number` is drawn."""
    page.wait_for_function(
        "n => document.querySelector('[role=slider]').getAttribute('aria-valuenow') === String(n)",
        arg=number,
    )


def hash_is(page, words: str) -> None:
    page.wait_for_function("words => location.hash === words", arg=words)


def lowest_frame(folder: Path, who: str, sequence: str) -> int:
    """The frame with the lowest J&F, the mean over the objects."""
    frames = json.loads((folder / f"evaluate/{who}/tiny.json").read_text())["frames"]
    own = [values for name, values in frames.items() if name.startswith(f"{sequence}_")]
    means = np.mean([(np.array(one["J"]) + one["F"]) / 2 for one in own], axis=0)
    return 1 + int(means.argmin())


def errors_of(folder: Path, who: str, sequence: str, number: int) -> dict[str, int]:
    """Pixels of each kind of error, counted from the files."""
    file = f"{sequence}/{number:05}.png"
    paths = folder / "davis17/Annotations/480p" / file, folder / "predict" / who / "tiny" / file
    truth, ids = (shrink(read_mask(path, 2017), SIZE) for path in paths)
    wrong = truth != ids
    kinds = {"missed": ids == 0, "extra": truth == 0, "other": (ids > 0) & (truth > 0)}
    return {kind: int(np.sum(wrong & where)) for kind, where in kinds.items()}


def test_from_the_matrix_to_the_curve_to_the_frame(visit, folder):
    page = visit()
    cell = page.locator("button[data-who=still][data-sequence=two]")
    cell.click()
    lowest = lowest_frame(folder, "still", "two")
    hash_is(page, f"#explore/tiny/two/still/masks-gone/{lowest}")
    page.locator("button[data-who=exp8-hrnet][data-sequence=two]").click(modifiers=["Shift"])
    hash_is(page, f"#explore/tiny/two/still/exp8-hrnet/{lowest}")
    assert cell.get_attribute("aria-pressed") == "true"
    chart = page.locator("[role=slider]")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] - 11, "y": 40})  # the right end
    at_frame(page, LAST)
    chart.click(position={"x": 34 + (box["width"] - 44) * 5 / LAST, "y": 40})
    at_frame(page, 5)
    hash_is(page, "#explore/tiny/two/still/exp8-hrnet/5")
    canvas = page.locator(".explore-views > figure > canvas").first
    expected = errors_of(folder, "still", "two", 5)
    assert min(expected["missed"], expected["extra"]) > 0
    found = canvas.evaluate("one => ({...one.dataset})")
    assert {kind: int(count) for kind, count in found.items()} == expected


def test_keys_scrub_and_play(visit):
    page = visit("#explore/tiny/one/exp8-hrnet/still/2")
    at_frame(page, 2)
    for key, frame in [("ArrowRight", 3), ("ArrowLeft", 2), ("End", LAST), ("ArrowRight", LAST)]:
        page.keyboard.press(key)  # a link brings the focus to the curve
        at_frame(page, frame)
    for key, frame in [("Home", 0), ("PageDown", LAST), ("PageUp", 0)]:
        page.keyboard.press(key)
        at_frame(page, frame)
    page.keyboard.press(" ")
    assert page.get_by_role("button", name="Stop").is_visible()
    at_frame(page, LAST)  # of its own
    page.get_by_role("button", name="Play").wait_for()
    hash_is(page, f"#explore/tiny/one/exp8-hrnet/still/{LAST}")


def test_arrow_keys_move_in_the_matrix_and_enter_chooses(visit):
    page = visit("#explore/tiny/one/exp8-hrnet/still/2")
    where = "[document.activeElement.dataset.who, document.activeElement.dataset.sequence]"
    page.locator("button.is-a").focus()
    first = page.evaluate(where)
    for key in ("ArrowUp", "ArrowDown", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    page.keyboard.press("ArrowUp")
    moved = page.evaluate(where)
    assert moved != first
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash !== '#explore/tiny/one/exp8-hrnet/still/2'")
    assert page.url.partition("#")[2].startswith(f"explore/tiny/{moved[1]}/{moved[0]}/")


def test_a_link_opens_what_it_names_and_so_does_a_changed_one(visit):
    page = visit("#explore/tiny/two/exp8-hrnet/still/4")
    at_frame(page, 4)
    assert page.locator("button.is-a").get_attribute("data-who") == "exp8-hrnet"
    assert page.locator("button.is-b").get_attribute("data-who") == "still"
    page.evaluate("location.hash = '#explore/tiny/one/still/exp8-hrnet/6'")
    at_frame(page, 6)
    assert page.locator("button.is-a").get_attribute("data-sequence") == "one"
    page.reload()
    at_frame(page, 6)
    page.evaluate("location.hash = '#explore/tiny/nowhere/nobody/still/99'")  # a damaged one
    at_frame(page, LAST)
    page = visit("#explore/tiny/%E0%A4%A")  # cut off within a letter
    assert page.locator("button.is-a").get_attribute("data-sequence") in ("one", "two")


def test_maps_and_weights_follow_the_frame(visit):
    page = visit("#explore/tiny/one/exp8-hrnet/still/0")
    at_frame(page, 0)
    assert page.locator(".explore-maps canvas").count() == 0
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".explore-maps canvas")
    labels = page.locator(".explore-maps canvas").evaluate_all("all => all.map(c => c.ariaLabel)")
    assert [label.split(" ")[0] for label in labels] == ["transition", "attention"]
    assert page.locator(".explore-weight").inner_text().startswith("w 0.250; share ")


def test_the_legend_is_of_what_is_shown(visit):
    page = visit("#explore/tiny/one/exp8-hrnet/still/2")
    kinds, legend = page.locator(".explore-kinds"), page.locator(".explore-errors")
    assert "missed" in legend.inner_text()
    page.get_by_label("Show").select_option("mask")  # whose colours are those of the objects
    kinds.wait_for(state="hidden")
    assert legend.inner_text().strip() == "contour of the truth"
    page.get_by_label("Show").select_option("frame")
    legend.wait_for(state="hidden")


def test_a_method_without_masks_shows_its_curve_and_says_so(visit):
    page = visit("#explore/tiny/one/masks-gone/still/3")
    at_frame(page, 3)
    note = page.locator(".explore-note").first.inner_text()
    assert note == "Only this method's scores are at hand, not its masks."
    assert "J 100.0, F 100.0, J&F 100.0" in page.locator(".explore-readout").first.inner_text()


def test_hovering_tells_the_values(visit):
    page = visit("#explore/tiny/one/exp8-hrnet/still/2")
    at_frame(page, 2)
    page.wait_for_function(
        "document.querySelector('.explore-chosen').getBoundingClientRect().top < 99"
    )
    box = page.locator("[role=slider]").bounding_box()
    text = page.locator(".explore-readout").first
    page.mouse.move(box["x"] + 34 + (box["width"] - 44) * 4 / LAST, box["y"] + 60)
    assert text.inner_text().startswith("Frame 4.")
    page.mouse.move(0, 0)
    assert text.inner_text().startswith("Frame 2.")


def test_an_attribute_leaves_its_sequences(visit):
    page = visit()
    heads = page.locator(".explore-matrix th[data-sequence]")
    assert heads.count() == 2
    page.get_by_label("Attribute").select_option("AC")
    assert heads.all_inner_texts() == ["one"]
    page.evaluate("location.hash = '#explore/tiny/two/still/exp8-hrnet/3'")
    at_frame(page, 3)
    shown = page.locator(".explore-chosen select").first
    assert shown.input_value() == "two"  # what is looked at, though the attribute leaves it out


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_without_sideways_scrolling(visit, dark):
    page = visit("#explore/tiny/two/exp8-hrnet/still/4", width=420, dark=dark)
    at_frame(page, 4)
    beyond = page.evaluate(
        """() => [...document.querySelectorAll("#explore *")]
        .filter(e => !e.closest(".scroll table") && e.getBoundingClientRect().right > innerWidth)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    ink = page.evaluate("getComputedStyle(document.querySelector('.explore-a')).color")
    brightness = sum(map(int, re.findall(r"\d+", ink)[:3])) / 3
    assert brightness > 128 if dark else brightness < 128
