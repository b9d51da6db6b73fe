"""A page for each peer, and their index: what was built, what it costs beside the facts."""

import csv
from dataclasses import replace

import pytest

from tests.unit.report.test_page import check
from ttvos.core.errors import UserError
from ttvos.report.inputs import load_inputs
from ttvos.report.peer_pages import accuracy
from ttvos.report.peers import cost_by_part, peers
from ttvos.report.report import PAPER_TABLES


def line(table, key, value):
    return next(row for row in table.rows if row[key].value == value)


def peer(report, name):
    return next(peer for peer in report.peers if peer.name == name)


@pytest.mark.parametrize("name", ["stm", "gc", "crn", "frtm-resnet18", "onavos"])
def test_every_link_of_a_page_leads_somewhere(rendered, name):
    page = check(rendered / f"peers/{name}.html")
    assert all(load.startswith("data:") for load in page.loads)
    assert "script" not in page.tags
    for link in page.links:
        path, _, anchor = link.partition("#")
        target = (rendered / "peers" / path).resolve() if path else rendered / f"peers/{name}.html"
        assert anchor in check(target).ids


def test_a_verdict_leads_to_the_ledger_of_the_report(report):
    table = PAPER_TABLES[3].build(report)
    row = {key: replace(cell, href="#ledger") for key, cell in table.rows[0].items()}
    (shown,) = accuracy(replace(table, rows=(row,)), 0).rows
    links = {cell.href for key, cell in shown.items() if key != "method"}
    assert (links, shown["method"].href) == ({"../index.html#ledger"}, "")


def test_a_page_says_what_was_built_and_what_is_assumed(rendered):
    text = (rendered / "peers/stm.html").read_text()
    assert "The whole method &lt;as published&gt;." in text
    assert "<li>docs/peers.md, section 1.</li>" in text
    assert "<li>The padding is black (<code>pad</code>).</li>" in text
    assert "<li>DAVIS 2016: stm.zip</li>" in text
    assert "10.0 MiB after frame 1, 20.0 MiB after 7" in text
    assert "1.25 times an early one" in text
    assert "<code>published/STM.json</code>: 0123456789ab" in text
    assert "Numbers from generated clips; not DAVIS numbers." in text


def test_a_page_of_what_was_not_built_says_why(rendered):
    text = (rendered / "peers/onavos.html").read_text()
    assert "<b>Not built.</b> A clip takes hours." in text
    assert "The facts: 123.96 M parameters." in text
    assert "Not timed in this run." in text
    assert "Wide ResNet-38; the paper's table says VGG16" in text
    assert "differs from the public record" in text


def test_what_learning_on_the_clip_takes_is_told_apart(rendered, report):
    text = (rendered / "peers/crn.html").read_text()
    assert "200 updates of 5 passes: 200,000 GMAC" in text
    assert "15 updates and 10 passes: 15,000 GMAC" in text
    assert "which is not run here" not in (rendered / "peers/gc.html").read_text()
    table = peers(report)
    assert line(table, "name", "crn")["online_gmac"].value == pytest.approx(200_000)
    assert line(table, "name", "gc")["online_gmac"].value is None
    assert any("neither cost nor speed: CRN." in note for note in table.notes)


def test_cost_stands_beside_the_facts(report):
    table = cost_by_part(report, peer(report, "gc"))
    encoder, total = line(table, "part", "query encoder"), line(table, "part", "all")
    assert encoder["frame_gmac"].value == encoder["frame_gmac_facts"].value == 27.09
    assert encoder["frame_gmac_percent"].value == pytest.approx(0)
    assert total["frame_gmac"].value == pytest.approx(179.392)
    assert str(total["frame_gmac_percent"].value) == "0.0"  # -0.0045, but no "-0.00"
    assert "other" not in [row["part"].value for row in table.rows]


def test_a_growing_memory_is_counted_at_its_mean_size(report):
    table = cost_by_part(report, peer(report, "stm"))
    total, read = line(table, "part", "all"), line(table, "part", "memory read")
    assert total["frame_gmac"].value == pytest.approx(179.18 + 3.36)
    assert read["slots_gmac"].value == pytest.approx(1.68 * 8.78)
    assert total["slots_gmac"].value == pytest.approx(179.18 + 1.68 * 8.78)
    assert total["frame_gmac_percent"].value == pytest.approx(0, abs=0.2)
    assert line(table, "part", "decoder")["slots_gmac"].value == pytest.approx(105.23)
    index = line(peers(report), "name", "stm")
    assert index["frame_gmac"].value == pytest.approx(total["slots_gmac"].value)


def test_the_index_has_every_record_in_the_order_of_table_3(rendered):
    with open(rendered / "peers.csv", newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    names = ["onavos", "frtm-resnet101", "frtm-resnet18", "rgmp", "crn", "stm", "gc"]
    assert [row["name"] for row in rows] == names
    assert rows[0]["status"] == "not built"
    assert (rows[0]["backbone_paper"], rows[0]["backbone"]) == ("VGG16", "Wide ResNet-38")
    assert rows[0]["frame_gmac"] == ""
    assert (rows[2]["backbone_paper"], rows[2]["name"]) == ("ResNet18", "frtm-resnet18")
    assert float(rows[2]["frame_gmac"]) == pytest.approx(26.76)
    assert float(rows[2]["frame_gmac_facts"]) == pytest.approx(26.8)


def test_a_peer_without_a_record_is_a_user_error(change, records):
    manifest = change("manifest.json", lambda values: values.update(peers=[{"name": "who"}]))
    with pytest.raises(UserError, match="peer who"):
        load_inputs(manifest, records=records)
