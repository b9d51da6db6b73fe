"""What is known of published masks, before anything is fetched: the registry, record and page."""

import csv

from tests.unit.evaluation.mask_formats import FORMATS
from ttvos.core.provenance import REPOSITORY
from ttvos.data.davis import FRAMES, VAL
from ttvos.data.published_masks import MASK_SETS, METHODS, choose


def test_the_registry_holds_what_the_facts_name():
    assert len([m for m in MASK_SETS.values() if m.year == 2016]) == 11
    assert {m for m in METHODS if (m, 2017) not in MASK_SETS} == {"sfls", "crn"}
    assert (len(VAL[2016]), len(VAL[2017]), FRAMES) == (20, 30, {2016: 1376, 2017: 1999})
    assert set(VAL[2016]) < set(VAL[2017])
    for masks in MASK_SETS.values():
        urls = [url for way in masks.archives for url in way.archive.urls]
        assert all(url.startswith("https://") for url in urls)
        assert masks.formats in {"", *FORMATS}
        assert masks.licence
    stm = choose(["stm"], [2017])[0]
    assert stm.archives[-1].inside == "test/STM_DAVIS_17val"
    assert len(choose()) == 20


def read_table(name: str) -> list[dict[str, str]]:
    with open(REPOSITORY / f"data/paper/{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_public_record_is_of_table_3_s_methods_and_has_a_score_where_the_site_has_masks():
    record = {line["method"]: line for line in read_table("public-record")}
    assert set(record) == {line["method"] for line in read_table("table3")} - {"TTVOS"}
    on_site = {(m.label, m.year) for m in MASK_SETS.values() if m.source.startswith("DAVIS site")}
    scores = {
        (method, year): float(line[f"davis{year % 100}_site"])
        for method, line in record.items()
        for year in (2016, 2017)
        if line[f"davis{year % 100}_site"]
    }
    assert set(scores) == on_site
    assert all(50 < score < 90 for score in scores.values())


def test_nothing_fetched_can_be_committed():
    ignored = (REPOSITORY / ".gitignore").read_text().splitlines()
    assert "/data/*" in ignored
    kept = [line for line in ignored if line.startswith("!/data/")]
    assert not [line for line in kept if "published" in line]


def test_the_page_lists_every_method_with_its_years():
    page = (REPOSITORY / "docs/published-masks.md").read_text()
    for method in METHODS:
        sets = choose([method])
        years = ", ".join(str(masks.year) for masks in sets)
        assert f"| `{method}` | {sets[0].label} | {years} |" in page
