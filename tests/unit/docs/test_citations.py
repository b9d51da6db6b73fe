"""Every "docs/facts.md, section 3" and "docs/peers.md, sections 4.2 and 4.9" leads somewhere."""

import re
from collections.abc import Iterator

import pytest

from tests.facts import FACTS, PEERS, headings
from ttvos.core.provenance import REPOSITORY

FOLDERS = ("ttvos", "tests", "workflow", "data/peers", "data/paper", "docs", "benchmarks")
SUFFIXES = (".py", ".smk", ".yaml", ".tsv", ".csv", ".md", ".j2")
CITATION = re.compile(
    r"docs/(facts|peers)\.md,[\s#]+sections?[\s#]+(\d[\d.]*(?:(?:,|[\s#]+and|[\s#]+to)[\s#]+\d[\d.]*)*)"
)


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of each of our files that may cite a page."""
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES:
                yield str(path.relative_to(REPOSITORY)), path.read_text(encoding="utf-8")


def citations() -> list[tuple[str, str, str]]:
    """File, page and section of each citation."""
    return [
        (name, page, number.rstrip("."))
        for name, text in texts()
        for page, numbers in CITATION.findall(text)
        for number in re.findall(r"\d[\d.]*", numbers)
    ]


@pytest.mark.parametrize("page", ["facts", "peers"])
def test_every_citation_has_its_section(page):
    known = headings({"facts": FACTS, "peers": PEERS}[page])
    cited = [(name, number) for name, of, number in citations() if of == page]
    assert len({name for name, _ in cited}) > 20
    assert [place for place in cited if place[1] not in known] == []


def test_no_citation_leads_out_of_the_repository():
    """Files outside, by names that readers of a clone cannot look up."""
    outside = re.compile(r"\b(?:FACTS|PEERS)(?:\.md|(?: sections?)? \d)")
    assert [name for name, text in texts() if outside.search(text)] == []
