"""The join: whoever was measured stands where the paper, or the user, has a place for it, once."""

import pytest

from ttvos.report.join import NUMBERS
from ttvos.report.paper import read_paper
from ttvos.report.results import PeerResults, RowResults


def line(report, number: int, **printed: str):
    (found,) = [x for x in report.lines[number] if printed.items() <= x.printed.items()]
    return found


@pytest.mark.parametrize("number", NUMBERS)
def test_every_row_stands_once_in_each_table_that_it_names(report, number):
    lines = report.lines[number]
    assert [x.printed for x in lines] == read_paper(f"table{number}")
    rows = [x.entry for x in lines if isinstance(x.entry, RowResults)]
    rows += [entry for entry in report.own(number) if isinstance(entry, RowResults)]
    named = {row.name for row in report.rows if number in row.entry.tables}
    users = {"own"} if number == 3 else set()  # a user's tracker stands in Table 3 unasked
    assert sorted(row.name for row in rows) == sorted(named | users)


def test_a_method_is_joined_with_all_that_is_known_of_it(report):
    stm = line(report, 3, method="STM")
    assert isinstance(stm.entry, PeerResults)
    assert stm.entry is stm.peer is stm.timed is report.methods["stm"].peer
    assert (stm.record.name, stm.masks.name) == ("stm", "STM")
    assert stm.public["davis16_site"] == "89.4"
    assert report.methods["stm"].line is stm


def test_of_several_records_the_one_with_the_printed_backbone_is_joined(report):
    frtm = line(report, 3, method="FRTM-VOS")
    assert frtm.record.name == "frtm-resnet101"
    assert report.methods["frtm-resnet18"].line is None
    assert report.methods["frtm-resnet18"].backbone == "ResNet18"  # as Table 5 has it


def test_what_was_not_built_or_not_measured_is_a_line_all_the_same(report):
    onavos, segflow = (line(report, 3, method=name) for name in ("OnAVOS", "SegFlow"))
    assert (onavos.entry, onavos.peer, onavos.record.status) == (None, None, "not built")
    assert (segflow.entry, segflow.record, segflow.masks.name) == (None, None, "SegFlow")


def test_an_experiment_on_another_backbone_is_no_line_of_table_4(report):
    names = [x.entry.name for x in report.lines[4]]
    assert names == [f"exp{number}-hrnet" for number in range(1, 9)]
    assert [x.entry.name for x in report.lines[6]] == [
        *("exp8-hrnet", "exp8-resnet18", "exp8-resnet50", "exp8-mobilenetv3")
    ]
