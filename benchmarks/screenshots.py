"""Pictures of a report for docs/: each part of the page, light and dark, wide and narrow.

    python benchmarks/screenshots.py --report reports --out docs/screenshots

Needs the extra `dev` (Playwright) and a Chromium on the PATH. A part that the report does not have
is left out and said so. `--only table3` takes one part.
"""

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# Anchors of the page's parts, in its order; "" is the first screen. A part that is made is named
# here once.
PARTS = (
    "",
    "live",
    "table3",
    "table4",
    "glance",
    "explore",
    "failures",
    "sequences-davis17",
    "figure1",
    "figure7",
    "figure9",
    "measured",
)
WIDTHS = {"wide": 1400, "narrow": 420}
HEIGHTS = {"wide": 1000, "narrow": 900}  # pixels of a window, and of the first screen
TALLEST = 1600  # pixels of a part; what is below is cut off
LARGEST = 150_000  # bytes of a picture
QUALITIES = (70, 55, 40, 25)  # of WebP, until it is small enough


def main() -> int:
    """Take the pictures; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--report", type=Path, default=Path("reports"), help="folder of a report")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--only", nargs="+", metavar="PART", help='anchors, "first" for the top')
    args = parser.parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None or not (args.report / "index.html").is_file():
        lacking = f"{args.report}/index.html" if program else f"one of {', '.join(PROGRAMS)}"
        print(f"screenshots: needs {lacking}", file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, picture in pictures(browser, args.report, args.only):
            path = args.out / f"{name}.webp"
            path.write_bytes(picture)
            print(f"{path}: {len(picture) / 1000:.0f} kB")
    return 0


def pictures(
    browser: Browser, report: Path, only: list[str] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Each part's picture as "table3-wide-dark" and a WebP."""
    for (size, width), scheme in product(WIDTHS.items(), ("light", "dark")):
        context = browser.new_context(
            color_scheme=scheme,
            viewport={"width": width, "height": HEIGHTS[size]},
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto((report / "index.html").resolve().as_uri())
        for anchor in PARTS:
            part = anchor or "first"
            if only and part not in only:
                continue
            if taken := _take(page, anchor):
                yield f"{part}-{size}-{scheme}", _small(taken)
            else:
                print(f"the report has no part #{anchor}", file=sys.stderr)
        context.close()


def _take(page: Page, anchor: str) -> bytes | None:
    """A PNG of a part, with all pictures drawn; None where the page has no such anchor."""
    if not anchor:
        page.evaluate("window.scrollTo(0, 0)")
        return page.screenshot()
    part = page.locator(f"[id='{anchor}']")
    if not part.count():
        return None
    if part.locator("xpath=ancestor::section").count() and not part.locator("table").count():
        part = part.locator("xpath=ancestor::section[1]")
    part.scroll_into_view_if_needed()
    loaded = "part => [...part.querySelectorAll('img')].every(image => image.complete)"
    for image in part.locator("img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_function(loaded, arg=part.element_handle())
    box = part.bounding_box()
    top = box["y"] + page.evaluate("window.scrollY")
    clip = {"x": 0, "y": max(0, top - 16), "width": page.viewport_size["width"]}
    return page.screenshot(full_page=True, clip=clip | {"height": min(box["height"] + 32, TALLEST)})


def _small(png: bytes) -> bytes:
    """The picture as a WebP of at most `LARGEST` bytes, as good as that allows."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality, method=6)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
