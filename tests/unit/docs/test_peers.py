"""docs/peers.md says what the records in data/peers and data/paper say, to which code is held."""

import re

import pytest

from tests.facts import PEERS, first_number, table
from ttvos.config.peers import Peer, load_records
from ttvos.data.published_masks import MASK_SETS
from ttvos.report.paper import read_paper

RECORDS = load_records()
COUNTED = sorted(name for name, record in RECORDS.items() if record.expected.parameters_m)


def overview(record: Peer) -> dict[str, str]:
    """Its line in the table of section 0."""
    name = record.method
    return table(PEERS, "0", "peer", "parameters, M (M)")[
        f"{name}, {record.backbone}" if name == "FRTM-VOS" else name
    ]


def added(cell: str) -> float:
    """The sum of a cell's numbers."""
    return sum(float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", cell))


def test_every_peer_has_its_line():
    assert len(table(PEERS, "0", "peer", "parameters, M (M)")) == len(RECORDS)
    for record in RECORDS.values():
        assert overview(record)


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_are_those_of_the_record(name):
    record = RECORDS[name]
    stated = added(overview(record)["parameters, M (M)"])
    assert stated == pytest.approx(record.expected.parameters_m, rel=1e-3)


@pytest.mark.parametrize("name", COUNTED)
def test_the_cost_of_a_frame_is_that_of_the_record(name):
    record = RECORDS[name]
    cell = overview(record)["GMAC a frame (M)"]
    stated = {
        "stm": lambda: added(cell) + (record.memory_slots - 1) * 1.68,  # 1.68 for each slot
        "gc": lambda: added(cell),
    }.get(name, lambda: first_number(cell))
    assert stated() == pytest.approx(record.expected.frame_gmac, rel=1e-3)


def test_stms_parts_are_those_of_the_record():
    stated = table(PEERS, "1.9", "part")
    expected = RECORDS["stm"].expected.parts
    for part in ("query encoder", "memory encoder", "decoder"):
        assert float(stated[part]["GMAC at 480x864"]) == expected[part]
    pair = float(stated["keys and values, each pair"]["GMAC at 480x864"])
    assert pair == expected["query key/value"] == expected["memory key/value"]
    slot = float(stated["memory read, each slot"]["GMAC at 480x864"])
    assert slot * RECORDS["stm"].memory_slots == pytest.approx(expected["memory read"], abs=0.01)


@pytest.mark.parametrize("name", ["frtm-resnet18", "frtm-resnet101"])
def test_frtms_parts_are_those_of_the_record(name):
    record = RECORDS[name]
    stated = {
        part: float(row[record.backbone])
        for part, row in table(PEERS, "3.8", record.backbone).items()
    }
    expected = record.expected
    parts = ("backbone", "target model", "segmentation network")
    assert [stated[part] for part in parts] == list(expected.parts.values())
    assert stated["a frame, the sum"] == expected.frame_gmac
    # Frame 0: the backbone once for each of 5 samples, and the fit.
    fit = stated["fitting on the first frame, 5 samples, both phases"]
    assert 5 * stated["backbone"] + fit == pytest.approx(expected.init_gmac, abs=0.01)


def test_accuracies_are_those_of_table_3_and_of_the_public_record():
    stated = table(PEERS, "5", "peer")
    paper = {row["method"]: row for row in read_paper("table3")}
    site = {row["method"]: row for row in read_paper("public-record")}
    assert set(stated) == set(site)
    for name, row in stated.items():
        for year in ("16", "17"):
            assert row[f"DAVIS{year}, paper"] == (paper[name][f"davis{year}_jf"] or "–")
            assert row[f"DAVIS{year}, site"] == (site[name][f"davis{year}_site"] or "–")


def test_formats_of_masks_are_those_of_the_registry():
    stated = {name: row["format"] for name, row in table(PEERS, "6", "archive").items()}
    assert stated == {
        masks.method: masks.formats for masks in MASK_SETS.values() if masks.year == 2016
    }
