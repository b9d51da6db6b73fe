"""A report in a real browser: Chromium from the system's packages, driven by Playwright."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.report.fake_peers import write_records
from tests.unit.report.whole_run import write_whole_run
from ttvos.report.inputs import load_inputs
from ttvos.report.publication import form
from ttvos.report.report import render

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
HEIGHT = 900  # pixels of a window


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered report of a made-up run; not to be changed."""
    folder = tmp_path_factory.mktemp("browser")
    manifest = write_whole_run(folder)
    records = write_records(folder / "peers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(form, "FOLDER", folder / "nothing-is-kept")
        render(load_inputs(manifest, records=records), folder / "reports")
    return folder / "reports"


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """A headless Chromium (`playwright.sync_api.Browser`); skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra dev)")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"needs a browser: none of {', '.join(PROGRAMS)} is on the PATH")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser) -> Iterator[Callable]:
    """open_page(path, dark=False, width=1400): the file in a window of its own, from disk.

    path: may end in an anchor, "index.html#table3". Returns a `playwright.sync_api.Page`, which
    may use the clipboard. At the end of the test no page may have logged an error, raised one, or
    asked for anything that is not on disk.
    """
    contexts, errors = [], []

    def open_one(path: Path | str, dark: bool = False, width: int = 1400):
        context = browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": HEIGHT},
            permissions=["clipboard-read", "clipboard-write"],
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: _note_network(request.url, errors))
        file, _, anchor = str(path).partition("#")
        page.goto(Path(file).resolve().as_uri() + (f"#{anchor}" if anchor else ""))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


def _note_network(url: str, errors: list[str]) -> None:
    if not url.startswith(("file:", "data:", "blob:", "about:")):
        errors.append(f"asked the network for {url}")
