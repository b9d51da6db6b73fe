"""The page and its tables in a real browser: sort, filter, fold, copy, follow a link, look."""

import re

import pytest

MAXIMUM = 500_000  # bytes of the page
SECONDS = 10  # until everything is drawn; an idle machine needs far less than one


@pytest.fixture
def page(report_folder, open_page):
    return open_page(report_folder / "index.html")


def column(page, table: str, index: int) -> list[str]:
    """What a column of a table says, from top to bottom, in the rows that are shown."""
    cells = page.locator(f"#{table} table tbody tr:not(.section):visible > :nth-child({index})")
    return [re.sub(r"\s*#$", "", text.strip()) for text in cells.all_inner_texts()]


def head(page, table: str, label: str):
    return page.locator(f"#{table} thead th[scope=col]").filter(has_text=label).first


def number(text: str) -> float:
    return float(text.split()[0])


def test_the_page_is_small_and_soon_drawn(page, report_folder):
    assert (report_folder / "index.html").stat().st_size < MAXIMUM
    timing = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    page.wait_for_function(f"{timing} > 0")
    assert page.evaluate(timing) < 1000 * SECONDS


def test_a_click_sorts_another_turns_and_a_third_restores(page):
    name = "sequences-davis17"
    before = column(page, name, 1)
    total = head(page, name, "J&F")
    index = 1 + total.evaluate("head => head.cellIndex")
    orders = []
    for order in ("descending", "ascending", None):
        total.locator("button").click()
        assert total.get_attribute("aria-sort") == order
        said = [text for text in column(page, name, index) if re.match(r"\d", text)]
        orders.append([number(text) for text in said])
    assert len(set(orders[0])) > 2
    assert orders[0] == sorted(orders[0], reverse=True)
    assert orders[1] == sorted(orders[1])
    assert column(page, name, 1) == before


def test_what_says_nothing_stays_last_and_groups_stay_together(page):
    groups = page.locator("#table3 tbody")
    sizes = groups.evaluate_all("all => all.map(body => body.rows.length)")
    assert len(sizes) == 2
    paper = head(page, "table3", "paper")
    index = 1 + paper.evaluate("head => head.cellIndex")
    assert "–" in column(page, "table3", index)
    for _ in range(2):
        paper.locator("button").click()
        first = page.locator(f"#table3 tbody:first-of-type tr:not(.section) > :nth-child({index})")
        said = [text.strip() for text in first.all_inner_texts()]
        numbers = [float(text) for text in said if text != "–"]
        assert said[: len(numbers)] == [f"{value:.1f}" for value in numbers]
        assert numbers in (sorted(numbers), sorted(numbers, reverse=True))
    assert groups.evaluate_all("all => all.map(body => body.rows.length)") == sizes
    is_first = "all => all.every(body => body.rows[0].classList.contains('section'))"
    assert groups.evaluate_all(is_first)


def test_the_keyboard_sorts(page):
    button = head(page, "table3", "Method").locator("button")
    button.focus()
    page.keyboard.press("Enter")
    names = column(page, "table3", 1)
    assert names[0] == "A-GAME"
    outline = "element => getComputedStyle(element).outlineStyle"
    assert button.evaluate(outline) == "solid"


def test_the_filter_leaves_the_lines_with_all_words(page):
    box = page.locator("#table3 input[type=search]")
    box.fill("resnet101 cost")
    names = column(page, "table3", 1)
    assert 0 < len(names) < 5
    assert "CRN" in names
    assert "STM" not in names
    assert page.locator("#table3 tr.section:visible").count() == 1
    assert "of 1" in page.locator("#table3 .tools [role=status]").first.inner_text()
    box.fill("")
    assert "STM" in column(page, "table3", 1)
    assert page.locator("#table3 tr.section:visible").count() == 2


def test_only_long_tables_have_a_filter(page):
    for table in page.locator("table.data[data-name]").all():
        name = table.get_attribute("data-name")
        rows = table.locator("tbody tr:not(.section)").count()
        boxes = page.locator(f"[id='{name}'] > .tools input").count()
        assert boxes == (rows >= 8), name


def test_columns_without_a_number_are_folded_until_asked_for(page):
    name = page.locator("table.data.folded").first.get_attribute("data-name")
    table = page.locator(f"table[data-name='{name}']")
    button = page.locator(f"[id='{name}'] > .tools button.fold")
    bare = table.locator("thead th.bare")
    count = bare.count()
    noun = "column" if count == 1 else "columns"
    assert button.inner_text() == f"Show {count} {noun} without a number"
    assert not bare.first.is_visible()
    wide = table.locator("thead tr.groups > *").evaluate_all(
        "all => all.filter(one => !one.hidden).reduce((sum, one) => sum + one.colSpan, 0)"
    )
    assert wide in (0, table.locator("thead th[scope=col]:visible").count())
    button.click()
    assert bare.first.is_visible()
    assert button.get_attribute("aria-expanded") == "true"
    button.click()
    assert not bare.first.is_visible()


@pytest.mark.parametrize(
    ("label", "ending"), [("CSV", "csv"), ("Markdown", "md"), ("LaTeX", "tex")]
)
def test_what_is_copied_is_the_tables_file(page, report_folder, label, ending):
    page.locator("#table4 .copy summary").click()
    page.locator("#table4 .copy button").filter(has_text=label).click()
    said = page.locator("#table4 .tools [role=status]").last
    said.filter(has_text=f"Copied table4.{ending}").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == (report_folder / f"table4.{ending}").read_text()


def test_a_link_to_a_line_shows_it(report_folder, open_page):
    page = open_page(report_folder / "index.html#table3-stm")
    row = page.locator("#table3-stm")
    plain = page.locator("#table3-gc > th").evaluate("e => getComputedStyle(e).backgroundColor")
    assert row.evaluate("row => row.matches(':target')")
    assert row.locator("th").evaluate("e => getComputedStyle(e).backgroundColor") != plain
    box = row.bounding_box()
    assert 0 < box["y"] < 900
    page.locator("#table3 input[type=search]").fill("siammask")
    assert not row.is_visible()
    page.evaluate("location.hash = '#table3'")
    page.evaluate("location.hash = '#table3-stm'")
    row.wait_for(state="visible")


def test_a_link_into_what_is_folded_opens_it(page):
    fold = """() => {
        const fold = document.createElement("details");
        const frame = document.querySelector("#table4 .frame");
        frame.replaceWith(fold);
        fold.append(frame);
        location.hash = "#table4-8";
    }"""
    page.evaluate(fold)
    page.locator("#table4-8").wait_for(state="visible")


def test_every_first_cell_offers_the_link_to_its_line(page):
    link = page.locator("#table3-stm a.anchor")
    link.focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#table3-stm")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [420, 1400])
def test_the_body_is_never_wider_than_the_window(report_folder, open_page, dark, width):
    page = open_page(report_folder / "index.html", dark=dark, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (not dark)
    frame = page.locator("#table3 .frame")
    assert "more-right" in frame.get_attribute("class")
    first = page.locator("#table3-stm > th")
    left = first.bounding_box()["x"]
    page.locator("#table3 .scroll").evaluate("element => { element.scrollLeft = 1e6; }")
    page.wait_for_function("document.querySelector('#table3 .frame').matches('.more-left')")
    assert "more-right" not in frame.get_attribute("class")
    assert first.bounding_box()["x"] == pytest.approx(left, abs=2)  # it keeps its place


def test_every_table_fits_on_a_printed_page(page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 1047, "height": 900})  # A4, landscape, without its margins
    right = "tables => Math.max(...tables.map(table => table.getBoundingClientRect().right))"
    assert page.locator("table.data").evaluate_all(right) <= 1047
    assert not page.locator(".tools").first.is_visible()


def test_figures_are_beside_the_page_and_are_drawn(page):
    for figure in page.locator("figure img").all():
        figure.scroll_into_view_if_needed()
        handle = figure.element_handle()
        page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=handle)
        sizes = figure.evaluate("i => [i.naturalWidth, i.naturalHeight, i.width, i.height]")
        assert sizes[0] / sizes[1] == pytest.approx(sizes[2] / sizes[3], rel=0.01)
        given = [int(figure.get_attribute(name)) for name in ("width", "height")]
        assert given == sizes[:2]


def test_without_the_script_all_is_there(report_folder, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((report_folder / "index.html").as_uri())
    assert page.locator(".tools").count() == 0
    heads = page.locator("table.data th:not(details *)").all()  # what is folded opens without it
    assert heads
    assert [one for one in heads if not one.is_visible()] == []
    context.close()


@pytest.mark.parametrize("name", ["index.html", "origins.html", "peers/stm.html"])
@pytest.mark.parametrize("width", [420, 1400])
def test_other_pages_fit_too(report_folder, open_page, name, width):
    page = open_page(report_folder / name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
