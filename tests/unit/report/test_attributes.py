"""Kept scores by the attributes of the sequences."""

from ttvos.report.attributes import by_attribute
from ttvos.report.publication.form import AttributeScore, Published

RECORD = {"title": "Masks", "profile": "masks", "caution": "Made up."}


def lines(row: str, jf: float) -> tuple[AttributeScore, ...]:
    return tuple(
        AttributeScore(row, row.upper(), "davis16", name, count, jf + count, 0.0, 0.0)
        for name, count in (("OCC", 9), ("AC", 6))
    )


def test_a_row_for_each_tracker_and_a_column_for_each_attribute():
    table = by_attribute(Published("kept", RECORD, (), (), {}, lines("one", 50) + lines("two", 70)))
    assert [c.label for c in table.columns] == ["Masks", "Data", "AC (6)", "OCC (9)"]
    found = [[row[key].value for key in ("row", "AC", "OCC")] for row in table.rows]
    assert found == [["ONE", 56, 59], ["TWO", 76, 79]]
    assert "AC appearance change, OCC occlusion." in table.caption


def test_a_folder_without_attributes_has_no_such_table():
    assert by_attribute(Published("kept", RECORD, ())) is None
