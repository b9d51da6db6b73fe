"""Tables 2, 3 and 5: peers, published masks and the public record beside the paper's figures."""

import json

import pytest

from ttvos.config.peers import load_records
from ttvos.report import table2
from ttvos.report.inputs import load_inputs
from ttvos.report.paper import is_backbone, read_paper
from ttvos.report.table import Cell
from ttvos.report.table2 import TABLE2
from ttvos.report.table3 import OWN, TABLE3
from ttvos.report.table5 import TABLE5
from ttvos.report.verdicts import AGREES, DISPUTED, NOT_COMPARED, Verdict, weigh_record


@pytest.fixture(scope="module")
def real(run, records, tmp_path_factory):
    """The made-up run with a manifest that says that its data are DAVIS."""
    manifest = run.with_name("real.json")
    manifest.write_text(run.read_text().replace('"profile": "mini"', '"profile": "paper"', 1))
    return load_inputs(manifest, records=records)


def method(table, name):
    return next(row for row in table.rows if row["method"].value == name)


def test_gc_is_counted_in_the_stages_of_table_2(report):
    row = method(TABLE2.build(report), "GC")
    assert row["segmentation_gmac_measured"].value == pytest.approx(36.756)
    assert row["segmentation_gmac_verdict"].value == "differs"
    assert row["update_gmac_measured"].value == pytest.approx(37.406)
    assert row["update_gmac_verdict"].value == "differs"  # 0.8 % away
    assert row["update_gmac_verdict"].reason == (
        "+0.306, beyond ±0.185; network built from public facts; ledger item 12"
    )
    assert row["refine_gmac"].value == pytest.approx(105.23)
    assert row["whole_segmentation_gmac"].value == pytest.approx(141.986)
    assert row["frame_gmac"].value == pytest.approx(179.392)
    assert row["davis16_jf_verdict"].value == "not measured"
    assert row["method"].href == "peers/gc.html"


def test_the_stages_of_gc_are_parts_of_its_record():
    parts = set(load_records()["gc"].expected.parts)
    assert {*table2.SEGMENTATION, *table2.UPDATE, table2.DECODER} == parts


def test_published_masks_are_compared_whatever_was_trained(real):
    table = TABLE3.build(real)
    stm, segflow = method(table, "STM"), method(table, "SegFlow")
    assert stm["davis16_jf_measured"].value == pytest.approx(89.4)
    assert stm["davis16_jf_verdict"].value == "reproduced"
    assert stm["davis16_jf_not_comparable"].value == pytest.approx(80)  # tracked here on 6 clips
    assert stm["source"].value == "an archive of STM's"
    assert stm["davis16_jf_verdict"].reason == "+0.1, within ±0.2"  # no seed moves given masks
    assert segflow["davis16_jf_verdict"].value == "differs"
    assert segflow["davis16_jf_verdict"].reason == "-7, beyond ±0.2; ledger item 14"


def test_masks_that_could_not_be_had_are_not_measured_and_say_why(run, records):
    plan = json.loads(run.read_text())
    entry = next(one for one in plan["published"] if one["method"] == "SegFlow")
    lost = {"missing": "sfls 2016: HTTP 404", "provenance": {}}
    (run.parent / "lost.json").write_text(json.dumps(lost))
    entry["evaluate"]["davis16"] = "lost.json"
    manifest = run.with_name("with_a_loss.json")
    manifest.write_text(json.dumps(plan))
    table = TABLE3.build(load_inputs(manifest, records=records))
    row = method(table, "SegFlow")
    assert not [key for key in row if "masks" in key and row[key].value is not None]
    assert row["source"].value is None
    assert "Not scored on davis16, published masks of sfls 2016: HTTP 404." in table.notes
    assert method(table, "STM")["source"].value == "an archive of STM's"


def test_masks_of_other_data_are_not_compared(report):
    row = method(TABLE3.build(report), "STM")
    assert row["davis16_jf_not_comparable"].value == pytest.approx(80.0)  # tracked here: first
    assert (row["davis16_jf_measured"].value, row["davis16_jf_evidence"].value) == (89.4, "site")
    assert row["davis16_jf_verdict"].value == AGREES  # what the record says of the paper's number
    row = method(TABLE3.build(report), "TTVOS")
    assert row["davis16_jf_verdict"].value == NOT_COMPARED


def test_the_public_record_disputes_what_the_facts_list(small_run, records):
    table = TABLE3.build(load_inputs(small_run, records=records))
    found = {
        (row["method"].value, key): row[f"{key}_verdict"].value
        for row in table.rows
        for key in ("davis17_jf", "davis16_jf")
        if f"{key}_verdict" in row
    }
    assert {cell for cell, verdict in found.items() if verdict == DISPUTED} == {
        ("SegFlow", "davis16_jf"),
        ("RANet", "davis16_jf"),
        ("OnAVOS", "davis17_jf"),
        ("A-GAME", "davis17_jf"),
    }
    agreeing = [cell for cell, verdict in found.items() if verdict == AGREES]
    assert len(agreeing) == 15
    assert method(table, "OSMN")["davis16_jf_verdict"].reason == "record 73.5: +0, within ±0.2"
    assert any("RANet: DAVIS16" in note for note in table.notes)


def test_the_record_agrees_or_disputes():
    assert weigh_record("70.0", "70.2").status == AGREES
    assert weigh_record("70.0", "70.3") == Verdict(DISPUTED, "record 70.3: +0.3, beyond ±0.2")
    assert weigh_record("", "71.1") is None


def test_where_the_paper_gives_no_number_there_is_no_verdict(report):
    table = TABLE3.build(report)
    for name in ("CRN", "SegFlow"):
        row = method(table, name)
        assert row["davis17_jf_paper"].value is None
        assert row["davis17_jf_verdict"] == Cell()
    assert not [cell for cell in table.verdict_cells() if ",  (" in cell.about]


def test_speeds_of_peers_are_shown_and_labelled(report):
    table = TABLE3.build(report)
    for name, here in (
        ("GC", "cost only"),
        ("STM", "weights loaded"),
        ("OnAVOS", "not built"),
        ("CRN", "cost only, not tuned online"),
        ("FRTM-VOS", "cost only"),
    ):
        assert method(table, name)["here"].value == here
    peer = next(peer for peer in report.peers if peer.name == "gc")
    streamed = peer.speed.record.streaming.fps
    assert method(table, "GC")["streaming_fps"].value == pytest.approx(streamed)
    assert method(table, "GC")["with_frame_0_fps"].value == pytest.approx(streamed / 2)
    assert "released protocol" in method(table, "GC")["fps_verdict"].reason
    assert method(table, "FRTM-VOS")["method"].href == "peers/frtm-resnet101.html"
    assert any("RGMP ResNet50, not ResNet101" in note for note in table.notes)
    assert any("Not built: OnAVOS" in note for note in table.notes)


def test_own_masks_and_trackers_stand_below(report):
    own = [row for row in TABLE3.build(report).rows if row["section"].value == OWN]
    assert [row["method"].value for row in own] == ["OSVOS masks", "own"]
    assert own[0]["davis16_jf_not_comparable"].value == pytest.approx(79.6)
    assert own[0]["source"].value == "OSVOS masks, 12.5 FPS on an imaginary GPU"
    assert own[1]["streaming_fps"].value == pytest.approx(3.0)


def test_table_5_pairs_what_the_loss_adds(report):
    rows = TABLE5.build(report).rows
    without, added = rows[1], rows[3]
    assert without["backbone"].value == added["backbone"].value == "ResNet18"
    assert added["davis17_jf_not_comparable"].value == pytest.approx(63.5)
    assert added["davis17_added_paper"].value == pytest.approx(1.6)
    assert added["davis16_added_paper"].value == pytest.approx(3.5)
    assert added["davis17_added"].value == pytest.approx(3.0)
    assert added["davis17_added"].spread == pytest.approx(0.0, abs=1e-9)
    low, high = added["davis17_added"].interval
    assert low < 3.0 < high
    assert added["davis17_added_verdict"].value == "not shown"
    assert added["davis17_added_verdict"].reason.startswith("2 seeds, 3 or more decide")
    assert rows[2]["davis17_added_verdict"].value == "not measured"
    assert "davis17_added" not in without
    assert rows[2]["davis17_added"].value is None  # ResNet101 was not trained


def test_what_the_loss_adds_is_paired_by_the_seed_never_by_the_place(run, records):
    """The arm with the loss lacks seed 0: its only run stands first, and pairs with the second."""
    plan = json.loads(run.read_text())
    row = next(row for row in plan["rows"] if row["row"] == "frtm-resnet18-tm")
    row["evaluate"]["davis17"] = [None, row["evaluate"]["davis17"][1]]
    manifest = run.with_name("without_a_seed.json")
    manifest.write_text(json.dumps(plan))
    row = TABLE5.build(load_inputs(manifest, records=records)).rows[3]
    assert row["davis17_added"].value == pytest.approx(3.0)
    assert (row["davis17_added"].spread, row["davis17_added"].interval) == (None, None)
    assert row["davis16_added"].spread == pytest.approx(0.0, abs=1e-9)


def test_backbones_agree_by_their_plain_names():
    assert is_backbone("Xception65", "Xception-65")
    assert is_backbone("ResNet101", "ResNet101 and FlowNetS")
    assert not is_backbone("VGG16", "Wide ResNet-38")
    assert {plain["method"] for plain in read_paper("table3")} - {"TTVOS"} == {
        line["method"] for line in read_paper("public-record")
    }
