"""Results that the repository keeps: their table, their place on the page, their origin."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.report.fake_results import REST
from tests.unit.report.publication.fake_profile import EXPERIMENTS, write_profile
from tests.unit.report.test_page import DATASETS, check, files_of
from ttvos.core.errors import UserError
from ttvos.report.inputs import ReportInput, load_inputs
from ttvos.report.kept import load_kept
from ttvos.report.publication.form import Published, read_published
from ttvos.report.publication.publish import publish
from ttvos.report.published import scores, sections
from ttvos.report.report import FIGURES, expected_files, render
from ttvos.report.writers import to_csv, to_markdown

WITHOUT_EXP5 = tuple(row for row in EXPERIMENTS if row != "exp5-hrnet")


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """A results-published with an ablation (one experiment missing) and a single model."""
    folder = tmp_path_factory.mktemp("published")
    manifest = write_profile(folder / "ablation", (*WITHOUT_EXP5, "exp8-resnet18"))
    (manifest.parent / "evaluate/exp7-hrnet-s1/held.json").unlink()
    publish(manifest, folder / "kept/ablation")
    publish(write_profile(folder / "one", ("exp8-hrnet",), (0,)), folder / "kept/one")
    return folder / "kept"


@pytest.fixture(scope="module")
def ablation(kept) -> Published:
    return read_published(kept)[0]


@pytest.fixture(scope="module")
def page(kept, report: ReportInput, tmp_path_factory) -> Path:
    """A rendered report with both."""
    out = tmp_path_factory.mktemp("reports")
    render(replace(report, kept=load_kept(kept)), out)
    return out


def row(table, name: str) -> dict:
    (found,) = [row for row in table.rows if row["exp"].value == name]
    return found


def test_the_eight_experiments_stand_beside_the_papers_numbers(ablation):
    table = scores(ablation)
    assert [r["exp"].value for r in table.rows] == [
        *(f"Exp {number}" for number in range(1, 9)),
        *("TTVOS exp8-resnet18", "First mask held still", "First mask carried by flow", "OSVOS"),
    ]
    first = row(table, "Exp 1")
    assert (first["davis17_jf_paper"].value, first["davis16_jf_paper"].value) == ("57.0", "75.9")
    assert (first["short_term"].value, first["long_term"].value) == ("✓", "–")


def test_means_and_spread_over_seeds(ablation):
    first = row(scores(ablation), "Exp 1")
    assert first["val3_jf"].value == pytest.approx(53.5)
    assert first["val3_jf"].spread == pytest.approx(0.5**0.5)
    assert (first["val3_j_mean"].value, first["val3_f_mean"].value) == pytest.approx((51.5, 55.5))
    assert first["val3_seeds"].value == "2"
    assert (first["steps"].value, first["minutes"].value) == (500, pytest.approx(90.5 / 60))


def test_scores_have_intervals_over_their_sequences(ablation):
    first = row(scores(ablation), "Exp 1")
    for key in ("jf", "j_mean", "f_mean"):
        low, high = first[f"val3_{key}"].interval
        assert 45 < low < first[f"val3_{key}"].value < high < 62
    notes = scores(ablation).notes
    assert any(note.startswith("3 of val: 3 sequences cannot show that") for note in notes)


def test_every_seed_has_every_sequence(ablation):
    parts = tuple(x for x in ablation.sequences if (x.row, x.seed, x.sequence) != LOST)
    assert len(parts) < len(ablation.sequences)
    with pytest.raises(UserError, match=r"ablation/sequences\.csv: exp1-hrnet, val3: .* camel"):
        scores(Published("ablation", ablation.record, ablation.scores, parts))


LOST = ("exp1-hrnet", 1, "camel")


def test_each_line_of_scores_has_its_sequences(kept, tmp_path):
    copy = tmp_path / "ablation"
    shutil.copytree(kept / "ablation", copy)
    assert len(read_published(tmp_path)) == 1
    lines = (copy / "sequences.csv").read_text().splitlines(keepends=True)
    (copy / "sequences.csv").write_text("".join(x for x in lines if "exp1-hrnet,1,val3" not in x))
    with pytest.raises(UserError, match=r"exp1-hrnet, seed 1, val3: 0 sequences, but .* has 3"):
        read_published(tmp_path)


def test_others_on_the_same_sequences_stand_beside(ablation, change):
    """A run's masks of other methods, scored on more sequences, are read on ours."""
    names = {"camel": 0.9, "goat": 0.8, "parkour": 0.7, "cows": 0.1}

    def real(values):
        values |= {"profile": "davis"}
        values["masks"][0]["evaluate"] = {"davis16": "evaluate/OSVOS/davis16.json"}

    def whole(values):
        values["objects"] = {f"{n}_1": REST | {"J-Mean": s, "F-Mean": s} for n, s in names.items()}

    change("evaluate/OSVOS/davis16.json", whole)
    report = load_inputs(change("manifest.json", real))
    found = [note for note in scores(ablation, report).notes if "On the same ones" in note]
    assert found == [
        "3 of val: 3 of the validation set's 20 sequences. On the same ones score, in J&F: OSVOS "
        "masks 80.0. Read a score in this table against 80.0, not against the paper's numbers, "
        "which are for the whole set."
    ]


def test_one_seed_has_no_spread(ablation):
    seventh = row(scores(ablation), "Exp 7")
    assert seventh["held_jf"].value == pytest.approx(61.0)
    assert seventh["held_jf"].spread is None
    assert seventh["held_seeds"].value == "1"
    assert seventh["val3_seeds"].value == "2"


def test_a_missing_experiment_is_not_measured(ablation):
    fifth = row(scores(ablation), "Exp 5")
    assert (fifth["val3_jf"].value, fifth["val3_jf"].reason) == (None, "not measured")
    assert (fifth["val3_seeds"].value, fifth["davis17_jf_paper"].value) == ("0", "61.9")


def test_references_have_no_seeds(ablation):
    still = row(scores(ablation), "First mask held still")
    assert (still["held_jf"].value, still["held_seeds"].value) == (30.0, None)


def test_a_single_model_is_no_ablation(kept):
    _, one = sections(read_published(kept))
    assert one.claims is None
    names = [r["exp"].value for r in one.table.rows]
    assert names[0] == "Exp 8"
    assert not [name for name in names[1:] if name.startswith("Exp")]


def test_notes_say_what_was_scored_and_what_is_missing(ablation):
    notes = scores(ablation).notes
    assert "3 of val: 3 sequences of val, 2016 (camel, goat, parkour)." in notes
    assert "Not there yet when this was collected: 1 result files." in notes


def test_notes_say_a_smaller_input_and_several_versions_of_the_code(kept, ablation):
    record = json.loads((kept / "ablation/published.json").read_text())
    record["datasets"]["held"]["input_scale"] = 0.5
    record["trainings"][0]["code"] = "other"
    notes = scores(Published("ablation", record, ablation.scores)).notes
    assert any("at 0.5 of their size" in note for note in notes)
    assert "The runs were trained with 2 versions of the training code." in notes


def test_notes_say_where_scores_chose_the_weights(kept, ablation):
    record = json.loads((kept / "ablation/published.json").read_text())
    assert not [note for note in scores(ablation).notes if "selected" in note]
    record["trainings"][3]["selection"] = {"by": "heldout", "data": {"sequences": ["swing"]}}
    notes = scores(Published("ablation", record, ablation.scores)).notes
    (note,) = [note for note in notes if "selected" in note]
    assert note.startswith("held: weights were selected on sequences of it")


def test_the_files_carry_the_data_they_are_of(ablation):
    table = scores(ablation)
    assert "Run: **tiny-real**. Made up & meaning nothing." in to_markdown(table)
    rows = list(csv.DictReader(to_csv(table).splitlines()))
    assert rows[0]["profile"] == "tiny-real"
    assert (rows[0]["val3_jf"], rows[4]["val3_jf"]) == ("53.5", "not measured")


def test_the_page_has_a_section_for_each_folder(page, kept, records):
    found = check(page / "index.html")
    tables = {"published-ablation", "claims-ablation", "published-one"}
    assert tables <= set(found.ids)
    assert "claims-one" not in found.ids
    assert {"#published-ablation", "#published-one"} <= set(found.links)
    assert len(found.alts) == len(FIGURES)
    assert all(link[1:] in found.ids for link in found.links if link.startswith("#"))
    assert files_of(page) == sorted(expected_files(True, kept, records, DATASETS))
    for name in tables:
        assert (page / f"{name}.tex").is_file()


def test_the_page_says_that_this_run_measured_none_of_it(page):
    text = (page / "index.html").read_text()
    section = text[text.index('id="published-ablation"') : text.index('id="published-one"')]
    assert "Kept: Tiny real data (ablation)" in section
    assert "Nothing here was measured in this run." in section
    assert "results-published/ablation" in section
    assert "Made up &amp; meaning nothing." in section
    assert "0123456789ab" not in section


def test_how_it_was_measured_is_told_once_and_folded(page):
    text = (page / "origins.html").read_text()
    start = text.index('<details class="origin" id="kept-ablation">')
    folded = text[start:].partition("</details>")[0]
    assert (
        text.count("500 steps of 8 clips of 4 frames of 112×192") == 3
    )  # a backbone of a folder each
    assert "500 steps of 8 clips of 4 frames of 112×192" in folded
    assert "weight_decay 0.01" in folded
    assert "16, 0.4 hours in all" in folded
    assert folded.count("<li><code>train/") == 16
    assert "0123456789ab, Imaginary CPU &lt;2 cores&gt;" in folded
    assert "<li><code>evaluate/exp7-hrnet-s1/held.json</code>: not there</li>" in folded


def test_verdicts_on_cells_count_none_of_it(page, report, tmp_path):
    """The first screen speaks of this run alone, but for a sentence that says what it is about."""
    render(report, tmp_path / "without")
    pages = [(folder / "index.html").read_text() for folder in (page, tmp_path / "without")]
    assert len({text.partition("<nav")[0] for text in pages}) == 1
    glances = [text[text.index('id="glance"') :].partition("</section>")[0] for text in pages]
    asked = [glance.partition("<p><b>Is A better than B?</b> ") for glance in glances]
    answers = [after.partition("</p>\n")[0] for _, _, after in asked]
    assert len({after.partition("</p>\n")[2] for _, _, after in asked}) == 1
    assert answers[0].startswith("On results that the repository keeps, none of them of this run: ")
    assert "3 of val: of 8 claims 0 hold, 0 are contradicted, 7 are not shown" in answers[0]
    assert answers[1].startswith("No claim of the paper's about its parts is tested")


def test_without_any_published_results(report, records, tmp_path):
    out, nothing = tmp_path / "reports", tmp_path / "no-folder"
    render(replace(report, kept=load_kept(nothing)), out)
    found = check(out / "index.html")
    assert not [i for i in found.ids if i.startswith(("published", "claims"))]
    assert files_of(out) == sorted(expected_files(True, nothing, records, DATASETS))


def test_a_dataset_of_its_own_label_is_named_in_the_first_screen(change, tmp_path):
    def label(manifest):
        manifest["datasets"]["davis16"]["label"] = "four clips"

    render(load_inputs(change("manifest.json", label)), tmp_path / "out")
    text = (tmp_path / "out/index.html").read_text()
    assert "J&amp;F on four clips, DAVIS 2016 protocol" in text
    assert "J&amp;F on built-in clips, DAVIS 2017 protocol" in text
