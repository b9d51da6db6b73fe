"""Figures: written in both formats, the same bytes each time, saying what data they show."""

import json

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Annotation, Text
from PIL import Image

from tests.unit.report.fake_peers import FRTM_ROWS
from ttvos.core.errors import UserError
from ttvos.report.figure_losses import losses
from ttvos.report.figure_speed import (
    accuracy_of,
    device_points,
    figure1,
    figure1_device,
    mask_points,
    own_points,
    paper_points,
    published_points,
)
from ttvos.report.figure_strips import figure7, outlined, read_maps
from ttvos.report.figure_weights import figure9, load_weights
from ttvos.report.figures import Drawing, write_figure
from ttvos.report.inputs import load_inputs
from ttvos.report.paper import read_paper
from ttvos.report.quantities import DAVIS16, DAVIS17
from ttvos.report.report import FIGURES
from ttvos.report.scatter import PANELS, Point, scatter


@pytest.mark.parametrize("name", FIGURES)
def test_png_and_pdf_are_there(rendered, name):
    with Image.open(rendered / f"{name}.png") as image:
        assert min(image.size) > 200
    assert (rendered / f"{name}.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_input_gives_the_same_bytes_whatever_the_users_matplotlibrc(report, tmp_path):
    theirs = {
        **{"text.usetex": True, "font.family": "serif", "font.size": 20, "text.color": "red"},
        **{"savefig.dpi": 40, "savefig.bbox": "tight", "savefig.facecolor": "0.3"},
        **{"figure.facecolor": "0.3", "axes.grid": False, "lines.linewidth": 9},
    }
    for folder, settings in (("plain", {}), ("theirs", theirs)):
        with matplotlib.rc_context(settings):
            drawing = figure9(report.located)[1]
            write_figure(drawing, report.manifest, tmp_path / folder)
            assert matplotlib.rcParams["text.usetex"] == bool(settings)
    for suffix in ("png", "pdf"):
        one, two = ((tmp_path / f / f"figure9b.{suffix}").read_bytes() for f in ("plain", "theirs"))
        assert one == two
    assert b"CreationDate" not in one
    texts = [text.get_text() for text in drawing.figure.texts]
    assert any(t.startswith("Run: mini. Numbers from generated") for t in texts)


def test_a_figure_that_cannot_be_drawn_is_a_sheet_that_says_so(report, tmp_path):
    write_figure(Drawing("empty", "Figure 0", missing="No maps."), report.manifest, tmp_path)
    assert (tmp_path / "empty.png").stat().st_size > 1000
    assert (tmp_path / "empty.pdf").is_file()


def test_figure1_has_all_the_papers_points(report):
    for panel, column in ((DAVIS16, "davis16_jf"), (DAVIS17, "davis17_jf")):
        found = {(point.name, point.fps, point.score) for point in paper_points(report, panel)}
        for line in read_paper("table3"):
            if line["method"] != "TTVOS" and line[column]:
                assert (line["method"], float(line["fps"]), float(line[column])) in found
        for line in read_paper("table6"):
            assert (line["backbone"], float(line["fps"]), float(line[column])) in found


def test_each_method_in_figure1_is_named_nearest_to_its_own_point(report):
    """The paper's; a made-up run's own points lie on one another."""
    figure = figure1(report).figure
    figure.draw_without_rendering()
    kinds = (paper_points, published_points, mask_points, own_points)
    for axes, panel in zip(figure.axes, PANELS, strict=True):
        points = [point for of in kinds for point in of(report, panel)]
        printed = {point.name for point in paper_points(report, panel)}
        names = [x for x in axes.texts if isinstance(x, Annotation) and x.get_text() in printed]
        assert len(names) == len(printed)
        for name in names:
            box = Text.get_window_extent(name)  # without the line to its point
            distances = {}
            for point in points:
                x, y = axes.transData.transform((point.fps, point.score))
                dx, dy = max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1)
                distances[point.name] = float(np.hypot(dx, dy))
            own = distances[name.get_text()]
            assert own < min(distances.values()) + 10, distances  # pixels: marks that overlap


def test_figure1_marks_measured_points_apart_with_their_streaming_speed(report):
    points = {point.name: point for point in own_points(report, DAVIS17)}
    ours = {f"exp8-{b}" for b in ("hrnet", "resnet18", "resnet50", "mobilenetv3")}
    assert set(points) == ours | {*FRTM_ROWS, "own"}
    for name, point in points.items():
        assert point.hollow
        how = "bfloat16, compiled" if name in ours else "float32, plain PyTorch"
        assert point.kind == f"measured here on Imaginary CPU <2 cores>, {how}, built-in clips"
    speeds = {row.name: row.speed.record.streaming.fps for row in report.rows if row.speed}
    assert {name: point.fps for name, point in points.items()} == speeds
    assert "(streaming), on Imaginary CPU <2 cores>, bfloat16, compiled" in figure1(report).caption


def test_masks_with_a_speed_are_points_and_others_are_named(report, small_run, records):
    (point,) = mask_points(report, DAVIS16)
    assert (point.name, point.fps, point.mark) == ("OSVOS masks", 12.5, "masks")
    assert point.score == pytest.approx(79.6)
    assert point.kind == "masks, speed as given on an imaginary GPU, built-in clips"
    assert "no speed is known" not in figure1(report).caption
    without = load_inputs(small_run, records=records)
    assert mask_points(without, DAVIS16) == []
    assert "no speed is known: OSVOS masks." in figure1(without).caption


def test_published_masks_are_marks_at_the_papers_speed(report):
    found = {point.name: point for point in published_points(report, DAVIS16)}
    assert set(found) == {"STM, masks", "SegFlow, masks"}  # of other clips: no line to a dot
    point = found["SegFlow, masks"]
    assert (point.fps, point.score, point.origin) == (0.12, pytest.approx(76.1), None)
    assert published_points(report, DAVIS17) == []


def test_the_second_form_has_every_timed_tracker_once(report):
    points = {point.name: point for point in device_points(report, DAVIS17)}
    peers = {"STM", "GC", "RGMP", "FRTM-VOS (frtm-resnet18)", "FRTM-VOS (frtm-resnet101)"}
    ours = {f"TTVOS exp8-{b}" for b in ("hrnet", "resnet18", "resnet50", "mobilenetv3")}
    assert set(points) == peers | ours
    assert (points["STM"].score, points["STM"].mark) == (81.7, "record")
    assert (points["GC"].score, points["GC"].mark) == (71.4, "paper")
    assert points["FRTM-VOS (frtm-resnet18)"].score == 70.2
    assert points["FRTM-VOS (frtm-resnet101)"].score == 76.7
    assert (points["TTVOS exp8-resnet50"].score, points["TTVOS exp8-hrnet"].score) == (69.5, 62.5)
    speeds = {peer.name: peer.speed.record.streaming.fps for peer in report.peers}
    assert points["GC"].fps == pytest.approx(speeds["gc"])
    caption = figure1_device(report).caption
    assert "Imaginary CPU <2 cores>, float32, plain PyTorch, 480×854" in caption


def test_a_tracker_without_its_online_learning_is_hollow(report):
    points = {point.name: point for point in device_points(report, DAVIS16)}
    assert [name for name, point in points.items() if point.hollow] == ["CRN"]
    assert points["CRN"].kind == "accuracy of the paper, without its online learning"


def test_the_second_form_takes_masks_of_the_whole_set_first(run, records):
    manifest = run.with_name("figures.json")
    manifest.write_text(run.read_text().replace('"profile": "mini"', '"profile": "paper"', 1))
    report = load_inputs(manifest, records=records)
    stm = next(peer for peer in report.peers if peer.name == "stm")
    found = accuracy_of(report, stm, DAVIS16)
    assert (found.score, found.mark) == (pytest.approx(89.4), "scored")
    assert "published/STM.json" in figure1_device(report).sources


def test_a_second_form_without_speeds_says_so(change, records):
    def untimed(manifest):
        for row in manifest["rows"]:
            row["speed"] = None

    drawing = figure1_device(load_inputs(change("manifest.json", untimed), records=records))
    assert (drawing.figure, drawing.missing) == (None, "No tracker was timed.")


def test_a_tracker_timed_at_another_size_is_hollow(change, records):
    manifest = change("speed/exp8-hrnet.json", lambda values: values.update(height=240))
    points = device_points(load_inputs(manifest, records=records), DAVIS16)
    assert {point.name for point in points if point.hollow} == {"TTVOS exp8-hrnet"}
    assert any(point.kind.endswith("at 240×854") for point in points)


def test_a_speed_of_plain_pytorch_says_so(change):
    def plain(values):
        values |= {"engine": "reference", "compiled": False}

    report = load_inputs(change("speed/exp8-hrnet.json", plain))
    kinds = {point.name: point.kind for point in own_points(report, DAVIS16)}
    assert "bfloat16, plain PyTorch, built-in" in kinds["exp8-hrnet"]


def test_figure9_shows_the_full_model_on_davis17(report):
    data = load_weights(report.located)
    assert (data.dataset, data.seed, len(data.objects)) == ("davis17", 0, 10)
    a, b, c = figure9(report.located)
    assert "n = 10" in a.caption
    assert "shrink_1" in b.caption
    assert "grow_1" in c.caption


def test_figure9_falls_back_on_davis16(change):
    def only16(manifest):
        for row in manifest["rows"]:
            row["predict"]["davis17"] = [None]

    located = load_inputs(change("manifest.json", only16)).located
    assert load_weights(located).dataset == "davis16"


def test_figure9_leaves_lost_objects_out(change):
    def lose(values):
        values["objects"]["shrink_1"]["J-Mean"] = 0.2

    located = load_inputs(change("evaluate/exp8-hrnet-s0/davis17.json", lose)).located
    assert "shrink_1" not in load_weights(located).followed
    assert "shrink_1" not in figure9(located)[1].caption


def test_outline_is_inside_the_object_and_leaves_the_rest():
    frame = np.full((20, 30, 3), 7, dtype=np.uint8)
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[5:15, 5:15] = 1
    mask[0:3] = 255  # void
    picture = outlined(frame, mask)
    changed = (picture != frame).any(axis=2)
    assert changed[5, 5:15].all()
    assert not changed[mask != 1].any()
    assert not changed[8:12, 8:12].any()
    assert picture[5, 8].tolist() == [128, 0, 0]


def test_maps_without_a_transition_head_are_drawn(small_run):
    path = small_run.parent / "predict/maps.npz"
    with np.load(path) as file:
        arrays = dict(file)
    arrays["transition"] = np.full_like(arrays["transition"], np.nan)
    np.savez(path, **arrays)
    assert figure7(load_inputs(small_run)).figure is not None


def test_damaged_maps_are_a_user_error(tmp_path):
    (tmp_path / "maps.npz").write_bytes(b"PK no")
    with pytest.raises(UserError, match=r"maps\.npz"):
        read_maps(tmp_path / "maps.npz", "maps.npz")


def test_damaged_loss_table_is_a_user_error(small_run):
    row = json.loads(small_run.read_text())["rows"][0]
    (small_run.parent / row["loss"][0]).write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"no column stage, step, total"):
        losses(load_inputs(small_run))


def test_a_legend_of_long_names_stays_within_the_figure():
    kinds = [f"measured here on some processor, float32, plain PyTorch, data {i}" for i in range(3)]
    points = [Point("a", 10.0 ** (1 + i), 50.0 + i, kind) for i, kind in enumerate(kinds)]
    figure = scatter({panel.key: points for panel in PANELS})
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 3
    assert legend.get_window_extent().width <= figure.bbox.width
