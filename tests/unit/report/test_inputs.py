"""Loading: nothing but what the manifest names, and no number of unknown origin."""

import json
from dataclasses import replace

import numpy as np
import pytest

from ttvos.core.errors import UserError
from ttvos.plan.manifest import data_label, load_manifest
from ttvos.report.cost_tables import speed
from ttvos.report.figure_losses import losses
from ttvos.report.figure_strips import figure7
from ttvos.report.figure_weights import figure9
from ttvos.report.inputs import load_inputs
from ttvos.report.measurements import summary
from ttvos.report.report import PAPER_TABLES, build_tables
from ttvos.report.results import measure
from ttvos.report.table import format_cell
from ttvos.report.verdicts import AGREES, DISPUTED, NOT_MEASURED

MAIN = "evaluate/exp8-hrnet-s0/davis17.json"


def drop_provenance(values: dict) -> None:
    del values["provenance"]


def main_row(table, key):
    column = next(column for column in table.columns if column.key == key)
    row = next(row for row in table.rows if str(row["entry"].value).endswith("exp8-hrnet"))
    return format_cell(table.cell(row, column), column)


def test_a_number_without_provenance_is_not_rendered(change):
    def odd_score(values):
        values["global"]["J&F-Mean"] = 0.87654

    shown = build_tables(load_inputs(change(MAIN, odd_score)))
    with_it = [table.name for table in shown if "87.654" in str(table.rows)]
    assert with_it == ["table3", "table4", "table6", "summary", "sequences-davis17"]

    refused = build_tables(load_inputs(change(MAIN, drop_provenance)))
    assert not any("87.654" in str(table.rows) for table in refused)
    table = next(table for table in refused if table.name == "summary")
    assert main_row(table, "jf") == f"no provenance: {MAIN}"
    assert main_row(table, "gain") == "–"


@pytest.mark.parametrize("key", ["source", "device", "time"])
def test_provenance_must_say_source_device_and_time(change, key):
    report = load_inputs(change(MAIN, lambda values: values["provenance"].pop(key)))
    assert main_row(summary(report), "jf") == f"no provenance: {MAIN}"


@pytest.mark.parametrize(
    ("name", "number", "column"),
    [
        ("cost/exp8-hrnet.json", 6, "gmac_two_frame_clip"),
        ("speed/exp8-hrnet.json", 6, "fps"),
    ],
)
def test_costs_and_speeds_without_provenance_are_refused(change, name, number, column):
    report = load_inputs(change(name, drop_provenance))
    table = PAPER_TABLES[number].build(report)
    cell = table.rows[0][f"{column}_verdict"]
    assert (cell.value, cell.reason) == ("not measured", f"no provenance: {name}")
    places = [table.rows[0].get(f"{column}_{kind}") for kind in ("measured", "not_comparable")]
    assert all(place is None or place.value is None for place in places)


def test_figures_without_provenance_are_not_drawn(change, small_run):
    for row in json.loads(small_run.read_text())["rows"]:
        change(row["train"][0], drop_provenance)
    change("predict/exp8-hrnet-s0/davis17.json", drop_provenance)
    report = load_inputs(small_run)
    drawings = [losses(report), *figure9(report.located)]
    assert all(drawing.figure is None for drawing in drawings)
    assert all("no provenance" in drawing.missing for drawing in drawings)


def test_maps_without_provenance_are_not_drawn(small_run):
    path = small_run.parent / "predict/maps.npz"
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files if key != "provenance"}
    np.savez(path, **arrays)
    drawing = figure7(load_inputs(small_run))
    assert drawing.figure is None
    assert "provenance" in drawing.missing


def test_mean_and_spread_over_seeds(report):
    row = next(row for row in report.rows if row.name == "exp8-hrnet")
    found = measure(row.evaluate["davis17"], lambda scores: scores.means.j_mean)
    first, second = (r.record.means.j_mean for r in row.evaluate["davis17"])
    assert found.mean == pytest.approx((first + second) / 2)
    assert found.spread == pytest.approx(abs(first - second) / 2**0.5)


def test_a_seed_without_provenance_is_named_and_stops_the_mean(run, records):
    """The other seed's score alone would pass for the mean of both."""
    lost = json.loads((run.parent / MAIN).read_text())
    del lost["provenance"]
    (run.parent / "lost-seed.json").write_text(json.dumps(lost))
    manifest = run.with_name("with_a_lost_seed.json")
    manifest.write_text(run.read_text().replace(MAIN, "lost-seed.json"))
    report = load_inputs(manifest, records=records)
    assert main_row(summary(report), "jf") == "no provenance: lost-seed.json"
    row = next(row for row in report.rows if row.name == "exp8-hrnet")
    found = measure(row.evaluate["davis17"], lambda scores: scores.means.jf_mean)
    assert (found.mean, found.spread, found.values) == (None, None, ())


@pytest.mark.parametrize(
    ("name", "spoil", "text"),
    [
        (MAIN, lambda v: v["global"].update(JF=v["global"].pop("J&F-Mean")), "'global.J&F-Mean'"),
        (MAIN, lambda v: v["objects"]["drift_1"].pop("F-Mean"), "'objects.drift_1.F-Mean'"),
        (MAIN, lambda v: v.update(objects={}), "no scores of objects"),
        ("cost/exp8-hrnet.json", lambda v: v["macs"].pop("two_frame_clip"), "'macs.two_frame_clip"),
        ("speed/exp8-hrnet.json", lambda v: v.pop("released"), "'released'"),
        ("speed/exp8-hrnet.json", lambda v: v["roofline"].pop("streaming"), "'streaming'"),
        ("train/exp8-hrnet-s0/train.json", lambda v: v.pop("seconds"), "'seconds'"),
        ("speed/exp8-hrnet.json", lambda v: v.update(released=[1.0]), "not [1.0]"),
    ],
)
def test_a_missing_or_renamed_key_is_an_error_that_names_file_and_key(change, name, spoil, text):
    with pytest.raises(UserError) as caught:
        build_tables(load_inputs(change(name, spoil)))
    assert str(caught.value).startswith(f"{name}: ")
    assert text in str(caught.value)


def test_a_null_says_that_nothing_was_measured(change):
    unknown = change(
        "speed/exp8-hrnet.json", lambda v: v["streaming"].update(peak_memory_bytes=None)
    )
    first, second = speed(load_inputs(unknown)).rows[:2]
    assert first["peak_memory_mib"].value is None
    assert second["peak_memory_mib"].value == pytest.approx(700)


def test_files_belong_to_the_seeds_that_the_manifest_names(change):
    def drop_first(manifest):
        row = next(row for row in manifest["rows"] if row["row"] == "exp8-hrnet")
        row["seeds"] = [7]

    with pytest.raises(UserError, match=r"train.json: of seed 0, .* seed 7"):
        load_inputs(change("manifest.json", drop_first))


def test_more_or_fewer_files_than_seeds_are_an_error(change):
    def one_too_many(manifest):
        row = next(row for row in manifest["rows"] if row["row"] == "exp8-hrnet")
        row["evaluate"]["davis17"] = [*row["evaluate"]["davis17"], MAIN]

    with pytest.raises(UserError, match="exp8-hrnet has 2 files for 1 seeds"):
        load_inputs(change("manifest.json", one_too_many))


def test_a_partial_run_is_rendered_as_not_measured(change, small_run):
    def strip(manifest):
        manifest |= {"references": [], "masks": [], "maps": None}
        for row in manifest["rows"]:
            row |= {"evaluate": {"davis17": [None]}, "predict": {}, "cost": None, "speed": None}
            row |= {"train": [None], "loss": [None]}

    report = load_inputs(change("manifest.json", strip))
    for table in build_tables(report):
        assert set(table.verdicts()) <= {NOT_MEASURED, DISPUTED, AGREES}
    assert summary(report).rows == ()
    assert all(drawing.figure is None for drawing in (losses(report), *figure9(report.located)))


def test_named_but_missing_file_is_an_error(small_run):
    (small_run.parent / MAIN).unlink()
    with pytest.raises(UserError, match="no such file"):
        load_inputs(small_run)


def test_unknown_manifest_key_is_an_error(change):
    manifest = change("manifest.json", lambda values: values.update(tabels=[]))
    with pytest.raises(UserError, match="tabels"):
        load_manifest(manifest)


def test_paths_start_from_the_root(small_run, tmp_path_factory):
    values = json.loads(small_run.read_text()) | {"root": str(small_run.parent)}
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "manifest.json"
    elsewhere.write_text(json.dumps(values))
    assert load_inputs(elsewhere).rows[0].cost is not None


def test_data_label_falls_back_on_the_profile(report):
    assert data_label(report.manifest) == "built-in clips"
    assert data_label(replace(report.manifest, data_label="")) == "built-in clips"
    assert data_label(replace(report.manifest, data_label="", profile="x")) == "run x"
