"""Parameters to the integer, MACs as in docs/facts.md, section 3; counted as of every tracker."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.facts import FACTS, table
from ttvos.cli.main import main
from ttvos.config.experiments import Variant, load_variants
from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.measure import cost as module
from ttvos.measure.cost import cost
from ttvos.measure.macs import count_macs
from ttvos.measure.tracker_cost import cost_tracker
from ttvos.model.backbones import Features
from ttvos.model.ttvos import build_model
from ttvos.tracking.readable import TTVOSTracker

COUNTS = table(FACTS, "3", "total")
GMACS = table(FACTS, "3", "frame")
CLIP = table(FACTS, "3", "the paper's Table 6")
PARTS = ("features", "query", "refine", "update", "frame")
NAMES = {"backbone's": "backbone", "refinement": "refine"}  # the table's, and the result file's
COLUMNS = {NAMES.get(column, column) for column in list(COUNTS["hrnet"])[1:]}
VARIANTS = load_variants()


@pytest.fixture(scope="module", params=sorted(COUNTS))
def full_size(request):
    """Name and cost of each backbone at 480x854, counted once."""
    return request.param, cost(Variant("exp8"), request.param)


@pytest.fixture(scope="module", params=sorted(VARIANTS))
def small(request):
    """Each experiment and its cost at a small size."""
    return VARIANTS[request.param], cost(VARIANTS[request.param], "hrnet", 64, 96)


def test_parameters_are_exact(full_size):
    name, found = full_size
    counts = found["parameters"]
    for column, stated in list(COUNTS[name].items())[1:]:
        assert counts[NAMES.get(column, column)] == int(stated), column
    assert counts["inference"] == counts["total"] - counts["heads"]


def test_macs_of_a_frame_are_those_of_the_facts(full_size, monkeypatch):
    """The facts' are fvcore's, which adds 2 for each number that a batch norm gives and 4 for each
    that resizing gives, both in the backbone alone; the other parts agree to the last digit."""
    name, found = full_size
    added = norms_and_resizing(name, monkeypatch)
    assert 0.001 < added / found["macs"]["features"] < 0.031
    stated = {NAMES.get(column, column): value for column, value in GMACS[name].items()}
    facts = {part: float(stated[part]) for part in PARTS}
    for part in ("query", "refine", "update"):
        assert found["macs"][part] == pytest.approx(1e9 * facts[part], abs=0.5e6), part
    assert found["macs"]["features"] + added == pytest.approx(1e9 * facts["features"], rel=0.003)
    whole = sum(found["macs"][part] for part in PARTS[:-1])
    assert whole + added == pytest.approx(1e9 * facts["frame"], rel=0.002)
    assert found["macs"]["frame"] == whole + found["macs"]["weight"]


def norms_and_resizing(backbone: str, monkeypatch) -> int:
    """What fvcore counts of a backbone beside its convolutions, for a frame of 480x864."""
    model = build_model(Variant("exp8"), backbone).eval().to("meta").backbone
    added = []
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_hook(lambda _, __, out: added.append(2 * out.numel()))
    resize = F.interpolate

    def watched(*arguments, **options):
        out = resize(*arguments, **options)
        added.append(4 * out.numel())
        return out

    with monkeypatch.context() as patch, torch.no_grad():
        patch.setattr(F, "interpolate", watched)
        model(torch.empty(1, 3, 480, 864, device="meta"))
    return sum(added)


@pytest.mark.parametrize("backbone", sorted(COUNTS))
@pytest.mark.parametrize("part", ["backbone", "memory", "query", "short_term", "refinement"])
def test_convolutions_and_products_are_fvcore_s_too(part, backbone):
    """Counted by another library, from another kind of trace."""
    counting = pytest.importorskip("fvcore.nn")
    model = build_model(Variant("exp8"), backbone).eval()
    seen = []
    with torch.no_grad():
        features = model.features(torch.zeros(1, 3, 64, 96))
        heatmap = torch.zeros(1, 2, 64, 96)
        module = getattr(model, part)
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
        state = model.start(features, heatmap)
        step = model.step(features, state)
        model.advance(features, state, step, heatmap)
    inputs = seen[-1] if seen else (torch.zeros(1, 3, 64, 96),)  # the backbone's
    with count_macs() as ours, torch.no_grad():
        module(*inputs)
    traced = counting.FlopCountAnalysis(_Tensors(module), tuple(inputs))
    traced.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    theirs = traced.tracer_warnings("none").by_operator()
    assert ours.convolutions == theirs["conv"]
    assert ours.total == sum(theirs[name] for name in ("conv", "matmul", "bmm", "einsum"))


class _Tensors(nn.Module):
    """A module whose results are a tuple of tensors, as fvcore's tracer wants them."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        found = self.module(*inputs)
        if isinstance(found, Features):
            return (found.f4, found.f8, found.f16)
        return found


def test_ttvos_is_counted_as_every_tracker_is(small):
    """`ttvos cost --backbone` and `ttvos cost --tracker` agree to the integer."""
    variant, found = small
    model = build_model(variant, "hrnet")
    tracker = TTVOSTracker(model)
    heads = [model.heads.transition, model.heads.template]
    tracker.parts = {"heads": tuple(head for head in heads if head is not None)}
    counted = cost_tracker(tracker, 64, 96)
    assert counted["parameters"]["total"] == found["parameters"]["total"]
    assert counted["macs"]["frame"] - counted["macs"]["parts"]["heads"] == found["macs"]["frame"]
    assert counted["macs"]["parts"]["heads"] > 0


def test_the_paper_s_protocol_is_within_2_percent(full_size):
    name, found = full_size
    released = 1e9 * float(CLIP[name]["R's counter, clip of two frames"])
    convolutions = 1e9 * float(CLIP[name]["convolutions, clip of two frames"])
    assert found["macs"]["two_frame_clip"] == pytest.approx(released, rel=0.02)
    assert found["macs"]["two_frame_clip"] == pytest.approx(convolutions, rel=0.002)


def test_keys_types_and_sums_hold_for_every_variant(small):
    variant, found = small
    macs, counts = found["macs"], found["parameters"]
    parts = ("features", "query", "refine", "weight", "update")
    within_refine = ("short_term", "attention")
    assert set(macs) == {"frame", "two_frame_clip", *parts, *within_refine}
    assert 0 < sum(macs[part] for part in within_refine) < macs["refine"]
    assert set(counts) == {"inference", *COLUMNS}
    assert all(type(value) is int for value in [*dict(macs).values(), *dict(counts).values()])
    assert macs["frame"] == sum(macs[part] for part in parts)
    assert counts["total"] == sum(counts[p] for p in ("backbone", "memory", "query", "refine"))
    assert 0 < counts["trainable"] < counts["total"]
    assert (found["variant"], found["backbone"]) == (variant.name, "hrnet")
    assert (found["height"], found["width"]) == (64, 96)
    assert set(found["protocol"]) == {"parameters", "macs", "two_frame_clip"}
    assert found["provenance"]["libraries"]["torch"]


def test_a_part_that_the_variant_lacks_counts_0(small):
    variant, found = small
    updates = variant.long_term and variant.update_template
    assert (found["parameters"]["memory"] > 0) == variant.long_term
    assert (found["macs"]["update"] > 0) == updates
    assert (found["macs"]["weight"] > 0) == (updates and variant.adaptive_weight)


def test_the_update_that_runs_the_backbone_again_costs_more():
    again = cost(VARIANTS["exp7"], "hrnet", 64, 96)["macs"]
    full = cost(VARIANTS["exp8"], "hrnet", 64, 96)["macs"]
    assert again["update"] > 5 * full["update"]
    assert again["features"] == full["features"]


def test_frames_are_padded_to_multiples_of_16():
    odd, padded = (cost(Variant("exp8"), "hrnet", *size)["macs"] for size in [(50, 81), (64, 96)])
    assert odd == padded


def test_the_heads_are_in_no_frame(monkeypatch):
    with_heads = cost(VARIANTS["exp8"], "hrnet", 64, 96)["macs"]
    without = module.macs(
        module.build_model(Variant("none", transition_loss=False), "hrnet"), 64, 96
    )
    assert with_heads == without


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("vgg16", 480, 854), "unknown backbone"), (("hrnet", 8, 854), "too small")],
)
def test_bad_input_is_one_clear_line(arguments, words):
    with pytest.raises(UserError, match=words):
        cost(Variant("exp8"), *arguments)


def test_many_rows_in_one_process_give_what_each_gives_alone(tmp_path):
    size = ["--height", "64", "--width", "96", "--out"]
    rows = ["exp2-hrnet", "exp8-resnet18"]
    assert main(["cost", "--rows", *rows, *size, str(tmp_path / "cost")]) == 0
    assert sorted(path.stem for path in (tmp_path / "cost").iterdir()) == rows
    for row in rows:
        variant, backbone = row.split("-")
        alone = cost(VARIANTS[variant], backbone, 64, 96)
        found = read_json(tmp_path / "cost" / f"{row}.json")
        assert {key: found[key] for key in ("variant", "backbone", "parameters", "macs")} == {
            key: alone[key] for key in ("variant", "backbone", "parameters", "macs")
        }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rows", "exp9-hrnet"], "unknown row 'exp9-hrnet'; experiments.tsv has: exp1-hrnet"),
        (["--rows", "exp8-hrnet", "--variant", "exp8"], "leave --variant out, or --rows"),
        (["--rows", "exp8-hrnet", "--backbone", "hrnet"], "not allowed with"),
        ([], "--backbone --rows --tracker --trackers is required"),
    ],
)
def test_a_wrong_choice_of_models_is_one_clear_line(options, words, tmp_path, capsys):
    assert main(["cost", *options, "--out", str(tmp_path / "out")]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert words in lines[0]
    assert not (tmp_path / "out").exists()
