"""Whose number stands in a cell: this run's, a kept one, the DAVIS site's, or none."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.report.fake_kept import write_cost, write_scores, write_speed
from tests.unit.report.fake_results import provenance
from tests.unit.report.publication.fake_profile import write_profile
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.data.davis import VAL_2016
from ttvos.report.answer import released
from ttvos.report.figure_speed import accuracy_of, published_points
from ttvos.report.inputs import load_inputs
from ttvos.report.kept import load_kept
from ttvos.report.publication.publish import publish
from ttvos.report.published import sections
from ttvos.report.quantities import DAVIS16
from ttvos.report.report import PAPER_TABLES, render
from ttvos.report.verdicts import AGREES, DISPUTED
from ttvos.report.writers import to_csv, to_markdown

MASKS = {"STM": 89.4, "SegFlow": 76.1, "CRN": 85.1}


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """A results-published with masks of three methods, a reduced training, and measurements."""
    folder = tmp_path_factory.mktemp("kept") / "results-published"
    write_scores(folder / "davis16-masks", MASKS)
    write_scores(folder / "ours", {"exp8-hrnet": 67.5}, "model", VAL_2016[:8], "2026-11-22")
    write_cost(folder, "gc")
    write_speed(folder, "cpu-hrnet", "hrnet", 25.0)
    write_speed(folder, "cuda-hrnet", "hrnet", 90.0, "cuda")
    return folder


@pytest.fixture
def report(small_run, records, kept):
    """A run that measured TTVOS's rows only, with what is kept."""
    return load_inputs(small_run, records=records, kept=kept)


def row(table, name: str, key: str = "method"):
    return next(row for row in table.rows if row[key].value == name)


def cells(row, key: str = "davis16_jf"):
    """The places that show a number, the evidence, the verdict."""
    places = ("measured", "kept", "not_comparable")
    shown = {p: c.value for p in places if (c := row.get(f"{key}_{p}")) and c.value is not None}
    return shown, row[f"{key}_evidence"].value, row[f"{key}_verdict"].value


def test_kept_masks_of_the_whole_set_are_judged_as_masks(report):
    table = PAPER_TABLES[3].build(report)
    assert cells(row(table, "STM")) == ({"measured": 89.4}, "kept", "reproduced")
    assert cells(row(table, "CRN")) == ({"measured": 85.1}, "kept", "reproduced")
    assert cells(row(table, "SegFlow")) == ({"measured": 76.1}, "kept", "differs")
    assert row(table, "STM")["davis16_jf_verdict"].reason == "+0.1, within ±0.2"
    low, high = row(table, "STM")["davis16_jf_measured"].interval
    assert low == high == pytest.approx(89.4)  # 20 sequences of one score


def test_the_site_comes_after_what_is_kept_and_before_nothing(report):
    table = PAPER_TABLES[3].build(report)
    assert cells(row(table, "RANet")) == ({"measured": 87.1}, "site", DISPUTED)
    assert cells(row(table, "STM"), "davis17_jf") == ({"measured": 81.7}, "site", AGREES)
    assert cells(row(table, "GC")) == ({}, "none", "not measured")
    assert row(table, "GC")["davis16_jf_verdict"].reason == "its authors published no masks"
    assert "davis17_jf_evidence" not in row(table, "CRN")  # the paper has no number, nor has anyone


def test_what_this_run_scored_of_the_whole_set_comes_first(run, records, kept):
    manifest = run.with_name("before_kept.json")
    manifest.write_text(run.read_text().replace('"profile": "mini"', '"profile": "paper"', 1))
    table = PAPER_TABLES[3].build(load_inputs(manifest, records=records, kept=kept))
    assert cells(row(table, "STM"))[1:] == ("run", "reproduced")
    assert cells(row(table, "CRN"))[1:] == ("kept", "reproduced")


def test_a_part_of_the_set_is_shown_and_not_judged(tmp_path, small_run, records):
    write_scores(tmp_path / "kept/part", {"RANet": 90.0, "CRN": 85.1}, names=VAL_2016[:8])
    table = PAPER_TABLES[3].build(load_inputs(small_run, records=records, kept=tmp_path / "kept"))
    both = {"measured": 87.1, "kept": 90.0}
    assert cells(row(table, "RANet")) == (both, "site", DISPUTED)  # the site has the whole set
    assert cells(row(table, "CRN")) == ({"kept": 85.1}, "kept", "not compared")
    reason = row(table, "CRN")["davis16_jf_verdict"].reason
    assert reason == "kept: 8 of the validation set's 20 sequences"


def test_twenty_others_are_not_the_validation_set(tmp_path, small_run, records):
    others = tuple(f"clip{n}" for n in range(20))
    write_scores(tmp_path / "kept/others", {"CRN": 85.1}, names=others)
    table = PAPER_TABLES[3].build(load_inputs(small_run, records=records, kept=tmp_path / "kept"))
    assert cells(row(table, "CRN"))[2] == "not compared"


def test_a_reduced_training_is_shown_beside_this_runs_and_never_judged(report, tmp_path, small_run):
    for number, name, key in ((4, "8", "exp"), (6, "HRNet", "backbone")):
        shown, evidence, verdict = cells(row(PAPER_TABLES[number].build(report), name, key))
        assert (set(shown), shown["kept"]) == ({"kept", "not_comparable"}, 67.5)
        assert (evidence, verdict) == ("kept", "not compared")
    write_scores(tmp_path / "kept/whole", {"exp8-hrnet": 81.1}, "model")
    table = PAPER_TABLES[4].build(load_inputs(small_run, kept=tmp_path / "kept"))
    assert cells(row(table, "8", "exp"))[2] == "not compared"
    assert (
        row(table, "8", "exp")["davis16_jf_verdict"].reason == "kept: not trained as in the paper"
    )
    first = cells(row(table, "1", "exp"))
    assert (set(first[0]), first[1]) == ({"not_comparable"}, "run")  # only this run has measured it


def test_of_two_trainings_the_longer_stands_alone_and_the_one_among_its_like_in_an_ablation(
    tmp_path, small_run
):
    part = {"kind": "model", "names": VAL_2016[:8]}
    write_scores(tmp_path / "kept/all", {"exp7-hrnet": 50.0, "exp8-hrnet": 60.0}, **part, steps=500)
    write_scores(
        tmp_path / "kept/long", {"exp8-hrnet": 74.0}, **part, steps=3200, time="2026-01-01"
    )
    report = load_inputs(small_run, kept=tmp_path / "kept")
    assert cells(row(PAPER_TABLES[3].build(report), "TTVOS"))[0]["kept"] == 74.0
    assert cells(row(PAPER_TABLES[4].build(report), "8", "exp"))[0]["kept"] == 60.0
    write_scores(tmp_path / "kept/whole", {"exp8-hrnet": 70.0}, "model", steps=100)
    report = load_inputs(small_run, kept=tmp_path / "kept")
    for number, name, key in ((3, "TTVOS", "method"), (4, "8", "exp")):
        assert cells(row(PAPER_TABLES[number].build(report), name, key))[0]["kept"] == 70.0


def test_a_kept_training_that_claims_to_be_the_papers_is_judged_by_its_seeds(tmp_path, small_run):
    claim = {"accuracy": True}
    write_scores(tmp_path / "kept/paper", {"exp8-hrnet": 81.0}, "model", comparable=claim)
    table = PAPER_TABLES[4].build(load_inputs(small_run, kept=tmp_path / "kept"))
    found = cells(row(table, "8", "exp"))
    assert (found[0]["measured"], *found[1:]) == (81.0, "kept", "one run")


def test_of_several_kept_scores_the_one_that_says_most_is_taken(tmp_path, small_run):
    folder = tmp_path / "kept"
    write_scores(folder / "a", {"exp8-hrnet": 60.0}, "model", VAL_2016[:12], "2026-01-01")
    write_scores(folder / "b", {"exp8-hrnet": 61.0}, "model", VAL_2016[:8], "2026-12-01")
    write_scores(folder / "c", {"exp8-hrnet": 62.0}, "model", VAL_2016[:12], "2026-02-01")
    table = PAPER_TABLES[4].build(load_inputs(small_run, kept=folder))
    assert row(table, "8", "exp")["davis16_jf_kept"].value == 62.0


def test_an_experiment_that_has_changed_is_no_evidence(tmp_path, small_run):
    folder = write_scores(tmp_path / "kept/a", {"exp8-hrnet": 60.0}, "model")
    text = (folder / "scores.csv").read_text()
    (folder / "scores.csv").write_text(text.replace(",exp8,hrnet,", ",exp7,hrnet,"))
    table = PAPER_TABLES[4].build(load_inputs(small_run, kept=tmp_path / "kept"))
    assert "davis16_jf_kept" not in row(table, "8", "exp")


def test_a_kept_cost_stands_where_the_run_counted_none(report):
    found = cells(row(PAPER_TABLES[2].build(report), "GC"), "update_gmac")
    assert found == ({"measured": pytest.approx(37.406)}, "kept", "differs")
    assert cells(row(PAPER_TABLES[2].build(report), "TTVOS"), "update_gmac")[1] == "run"


def test_a_cost_that_the_run_took_over_is_a_kept_one(run, records, tmp_path):
    path = run.parent / "trackers/cost/gc.json"
    values = json.loads(path.read_text())
    (run.parent / "taken.json").write_text(
        json.dumps(values | {"provenance": provenance(kept="peers/gc.json")})
    )
    manifest = run.with_name("taken_over.json")
    manifest.write_text(run.read_text().replace("trackers/cost/gc.json", "taken.json"))
    found = row(PAPER_TABLES[2].build(load_inputs(manifest, records=records)), "GC")
    assert cells(found, "update_gmac")[1] == "kept"
    assert found["update_gmac_measured"].reason == (
        "results-published/peers/gc.json: Imaginary CPU <2 cores>, 2026-01-02"
    )


def test_a_kept_speed_is_of_another_device_whatever_the_run_claims(change, kept):
    def claim(manifest):
        manifest |= {"comparable": {"speed": True}}
        for one in manifest["rows"]:
            one["speed"] = None

    table = PAPER_TABLES[6].build(load_inputs(change("manifest.json", claim), kept=kept))
    found = cells(row(table, "HRNet", "backbone"), "fps")
    assert found == ({"kept": pytest.approx(0.4 * 90.0)}, "kept", "not compared")  # of CUDA
    assert cells(row(table, "ResNet18", "backbone"), "fps") == ({}, "none", "not measured")


def test_the_evidence_is_a_column_of_the_exports_and_a_mark_on_the_page(report, tmp_path):
    table = PAPER_TABLES[3].build(report)
    lines = list(csv.DictReader(to_csv(table).splitlines()))
    found = {line["method"]: line["davis16_jf_evidence"] for line in lines}
    assert [found[m] for m in ("STM", "RANet", "GC", "TTVOS")] == ["kept", "site", "none", "kept"]
    stm = next(line for line in lines if line["method"] == "STM")
    assert stm["davis16_jf_evidence_reason"] == (
        "results-published/davis16-masks: all of DAVIS-2016 val, Imaginary CPU <2 cores>, "
        "2026-11-27"
    )
    assert to_markdown(table).count("DAVIS16 J&F: evidence") == 1
    assert "| 85.1 | 85.1 [85.1, 85.1] |" in to_markdown(table)
    render(report, tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text()
    section = page[page.index('<section id="table3">') :].partition("</section>")[0]
    assert "evidence</th>" not in section
    origin = "results-published/davis16-masks: all of DAVIS-2016 val, Imaginary CPU &lt;2 cores&gt;"
    assert f'85.1 <abbr class="mark" title="{origin}, 2026-11-27">kept</abbr>' in section
    assert ">site</abbr>" in section
    assert "kept: measured by us before, and kept in the repository" in section
    assert f"Kept: {origin}, 2026-11-27; " in section


def test_the_archives_checksum_is_on_the_page(report, tmp_path):
    render(report, tmp_path / "out")
    page = (tmp_path / "out/index.html").read_text()
    origins = (tmp_path / "out/origins.html").read_text()
    start = origins.index('id="kept-davis16-masks"')
    folded = origins[start:].partition("</details>")[0]
    assert folded.count("dated 2019-08-07, <code>sha256:feedc0de</code>") == len(MASKS)
    assert "<h2>Kept: Masks &lt;of others&gt; (davis16-masks) <a" in page
    section = page[page.index('<section id="published-davis16-masks">') :].partition("</section>")[
        0
    ]
    assert ">STM</th>" in section
    assert ">89.3</td>" in section  # the paper's
    assert "ST</th>" not in section  # no experiment, no parts


def test_how_far_our_scores_are_from_the_sites_averages_is_told(tmp_path, small_run, records):
    write_scores(tmp_path / "kept/masks", {"STM": 89.43, "RANet": 87.04, "CRN": 85.1})
    table = PAPER_TABLES[3].build(load_inputs(small_run, records=records, kept=tmp_path / "kept"))
    (note,) = [note for note in table.notes if note.startswith("Masks scored by us")]
    assert "at most 0.06 points" in note
    assert "(RANet: 87.04 and 87.1)" in note
    assert "No masks exist, as far as is known, of " in " ".join(table.notes)


def test_kept_masks_are_points_of_figure_1(report):
    found = {point.name: point for point in published_points(report, DAVIS16)}
    assert set(found) == set(MASKS)
    assert (found["SegFlow"].score, found["SegFlow"].origin) == (76.1, 83.1)
    assert "kept" in found["SegFlow"].kind


def test_kept_masks_give_the_accuracy_of_the_second_form(run, records, kept):
    report = load_inputs(run, records=records, kept=kept)
    stm = next(peer for peer in report.peers if peer.name == "stm")
    assert (accuracy_of(report, stm, DAVIS16).score, stm.name) == (89.4, "stm")


def test_kept_masks_are_read_on_the_sequences_of_a_part(report):
    table = next(
        s for s in sections(report.kept.published, report) if s.published.name == "ours"
    ).table
    (note,) = [note for note in table.notes if "On the same ones" in note]
    assert "STM (kept) 89.4, CRN (kept) 85.1, SegFlow (kept) 76.1" in note


def test_a_damaged_or_anonymous_kept_file_is_named(tmp_path, small_run):
    write_cost(tmp_path / "results-published", "gc")
    path = tmp_path / "results-published/peers/gc.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"provenance": None}))
    with pytest.raises(UserError, match=r"results-published/peers/gc\.json: does not say where"):
        load_inputs(small_run, kept=tmp_path / "results-published")


def test_the_released_checkpoint_is_asked_for(report, tmp_path, kept):
    assert released(report, tmp_path).startswith("Not scored: not on disk. `ttvos data fetch rel")
    (tmp_path / "released").mkdir()
    (tmp_path / "released/weights.pth.tar").write_bytes(b"weights")
    assert released(report, tmp_path).startswith("On disk (")
    write_scores(kept.parent / "more/released", {"exp8-hrnet": 81.0}, "model")
    scored = replace(report, kept=load_kept(kept.parent / "more"))
    assert released(scored, tmp_path).startswith("Scored: 81.0 J&F, kept, results-published/rel")


def test_the_released_checkpoint_is_known_by_its_checksum(tmp_path, change):
    path = tmp_path / "data/released/weights.pth.tar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    digest = file_hash(path)
    manifest = change(
        "predict/exp8-hrnet-s0/davis16.json",
        lambda values: values["provenance"].update(checkpoint=digest),
    )
    found = released(load_inputs(manifest), tmp_path / "data")
    assert found.startswith("Scored: TTVOS exp8-hrnet in this run: ")
    assert found.endswith("J&F on davis16.")


def test_publishing_keeps_what_the_run_claims(tmp_path):
    manifest = write_profile(tmp_path / "run")
    values = json.loads(manifest.read_text()) | {"comparable": {"accuracy": False, "reason": "x"}}
    manifest.write_text(json.dumps(values))
    assert publish(manifest, tmp_path / "out")["comparable"]["reason"] == "x"
