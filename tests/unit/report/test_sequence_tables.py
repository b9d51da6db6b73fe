"""The tables by sequence: each score once, the hardest sequence first."""

import csv
from statistics import fmean, stdev

import pytest

from tests.unit.report.test_page import DATASETS
from ttvos.report.sequence_tables import by_difficulty, sequences
from ttvos.report.table import Cell


def test_hard_sequences_come_first_by_the_entries_that_have_them():
    one = {"easy": Cell(90.0), "hard": Cell(20.0), "even": Cell(50.0)}
    other = {"easy": Cell(70.0), "even": Cell(50.0)}
    assert by_difficulty([one, other]) == ["hard", "even", "easy"]
    assert by_difficulty([]) == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_scores_are_those_of_the_result_files(report, rendered, dataset):
    row = next(row for row in report.rows if row.name == "exp8-hrnet")
    lines = csv.DictReader((rendered / f"sequences-{dataset}.csv").read_text().splitlines())
    line = next(line for line in lines if line["entry"] == row.label)
    files = row.evaluate[dataset]
    for name, objects in files[0].record.sequences().items():
        ends = range(len(objects))
        scores = [
            100 * fmean(file.record.sequences()[name][index].jf_mean for index in ends)
            for file in files
        ]
        assert float(line[f"{name}_jf"]) == pytest.approx(fmean(scores))
        assert float(line[f"{name}_jf_spread"]) == pytest.approx(stdev(scores))


def test_columns_are_in_order_of_difficulty(report):
    for table in sequences(report):
        heads = [column.key for column in table.columns if column.group == "J&F by sequence"]
        means = [fmean(row[key].value for row in table.rows if key in row) for key in heads]
        assert len(means) >= 6
        assert means == sorted(means)
