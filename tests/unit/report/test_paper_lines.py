"""The column "Paper" of published tables holds the paper's numbers and none of ours."""

from dataclasses import replace

import pytest

from tests.unit.report.publication.fake_profile import EXPERIMENTS, write_profile
from ttvos.core.folders import REPOSITORY
from ttvos.report.paper import read_paper
from ttvos.report.publication.form import Published, Score, read_published
from ttvos.report.publication.publish import publish
from ttvos.report.published import PAPER_COLUMNS, paper_cells, scores
from ttvos.report.table import Column, Table

PAPER = [column.key for column in PAPER_COLUMNS]
NAMES = ("davis16", "davis17", "davis16_jf", "paper_davis16", "exp", "steps", "a", "a_jf", "a_j")


@pytest.fixture(scope="module")
def ablation(tmp_path_factory) -> Published:
    folder = tmp_path_factory.mktemp("published")
    publish(write_profile(folder / "run", EXPERIMENTS), folder / "kept/ablation")
    return read_published(folder / "kept")[0]


def renamed(published: Published, old: str, new: str) -> Published:
    """The same results on a dataset of another name."""
    names = published.record["datasets"]
    datasets = {new if name == old else name: facts for name, facts in names.items()}
    lines, sequences = (
        tuple(replace(x, dataset=new) if x.dataset == old else x for x in kept)
        for kept in (published.scores, published.sequences)
    )
    record = published.record | {"datasets": datasets}
    return Published(published.name, record, lines, sequences)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_dataset_takes_a_column_of_the_papers(ablation, name):
    before, table = scores(ablation), scores(renamed(ablation, "val3", name))
    for line, was, row in zip(read_paper("table4"), before.rows, table.rows, strict=False):
        assert [row[key].value for key in PAPER] == [line["davis17_jf"], line["davis16_jf"]]
        assert row[f"{name}_jf"] == was["val3_jf"]
    reference = next(row for row in table.rows if row["exp"].value == "First mask held still")
    assert not set(PAPER) & set(reference)


def test_two_columns_of_one_name_are_refused():
    columns = (Column("a", "Paper"), Column("a", "Ours"))
    with pytest.raises(ValueError, match="two columns are called a"):
        Table("t", "", "", columns, (), "", "")


def model(row: str, variant: str, backbone: str, kind: str = "model") -> Score:
    where = (0, "davis16", "DAVIS-2016", 20, 20)
    return Score(row, kind, row, variant, backbone, *where, *7 * (1.0,), None, None, "")


@pytest.mark.parametrize(
    ("score", "davis17", "davis16", "loss"),
    [
        (model("frtm-resnet18", "", "resnet18"), "70.2", "78.5", "–"),
        (model("frtm-resnet18-tm", "", "resnet18"), "71.8", "82.0", "✓"),
        (model("frtm-resnet101", "", "resnet101"), "76.7", "83.5", "–"),
        (model("frtm-resnet101-tm", "", "resnet101"), "76.6", "85.2", "✓"),
        (model("exp8-resnet18", "exp8", "resnet18"), "67.5", "81.4", "✓"),
        (model("exp8-hrnet", "exp8", "hrnet"), "62.5", "81.1", "✓"),
    ],
)
def test_a_model_outside_table_4_has_its_own_line_of_the_papers(score, davis17, davis16, loss):
    cells = paper_cells(score)
    assert [cells[key].value for key in PAPER] == [davis17, davis16]
    assert cells["transition_map"].value == loss


def test_what_the_paper_does_not_have_has_no_number_of_its():
    for score in (
        model("still", "", "", "reference"),
        model("exp3-resnet18", "exp3", "resnet18"),
        model("somebody's", "", ""),
    ):
        assert not set(PAPER) & set(paper_cells(score))
    assert paper_cells(model("x", "exp3", "resnet18"))["attention_clue"].value == "–"
    assert paper_cells(model("x", "exp7", "resnet18"))["attention_clue"].value == "reextract"


def test_no_number_of_ours_is_called_the_papers_in_what_the_repository_keeps(ablation):
    """Every value in a column of the paper's is printed in one of its tables."""
    lines = [line for n in "3456" for line in read_paper(f"table{n}")]
    printed = {key: {line[key.removesuffix("_paper")] or None for line in lines} for key in PAPER}
    seen = 0
    for published in (*read_published(REPOSITORY / "results-published"), ablation):
        for row in scores(published).rows:
            values = [(key, row[key].value) for key in PAPER if key in row]
            assert all(value in printed[key] for key, value in values)
            seen += len(values)
    assert seen >= 2 * len(EXPERIMENTS)
