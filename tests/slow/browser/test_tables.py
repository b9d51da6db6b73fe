"""The page and its tables in a real browser."""


def test_the_page_opens_from_disk(report_folder, open_page):
    page = open_page(report_folder / "index.html")
    assert page.title().startswith("TTVOS report")
    assert page.locator("#table3 table").count() == 1
