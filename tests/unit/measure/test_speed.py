"""The two speed protocols: what is recorded, and in which order. No time is asserted."""

import json
import re

import numpy as np
import pytest
import torch

from ttvos.cli.main import main
from ttvos.config.experiments import Variant
from ttvos.core.device import read_clock
from ttvos.core.errors import UserError
from ttvos.measure import released_protocol as released
from ttvos.measure import speed as module
from ttvos.measure.clip import disc_clip
from ttvos.measure.layers import count_layers
from ttvos.measure.released_protocol import ratio_to_released
from ttvos.measure.speed import speed
from ttvos.measure.speedtable import LEGEND, make_rows, read_speed, table
from ttvos.model.ttvos import build_model
from ttvos.model.weights import save
from ttvos.tracking.baselines import HeldStill

SMALL = {"height": 34, "width": 50, "frames": 3}
CPU = torch.device("cpu")
RATE, BANDWIDTH = 1e10, 1e9


def fake_ceilings(device, precision):
    """Half precision twice as fast; the real ones take seconds, and have tests of their own."""
    rate = RATE if precision == "float32" else 2 * RATE
    return {"precision": precision, "flops_per_s": rate, "bytes_per_s": BANDWIDTH}


@pytest.fixture(autouse=True)
def quick_ceilings(monkeypatch):
    monkeypatch.setattr(module, "measure_ceilings", fake_ceilings)


@pytest.fixture(scope="module")
def measured():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "measure_ceilings", fake_ceilings)
        return speed(Variant("exp8"), "hrnet", objects=2, precision="float32", **SMALL)


def test_the_result_has_every_key_and_is_json(measured):
    assert json.loads(json.dumps(measured.plain(), allow_nan=False)) == measured
    assert {"fps", "p50_ms", "p90_ms", "p99_ms", "repeats"} <= set(measured["streaming"])
    assert {"fps", "seconds", "frames"} == set(measured["released"])
    assert {"fps", "seconds", "frames", "warmup_clips"} == set(measured["released_warm"])
    assert (measured["device"], measured["precision"]) == ("cpu", "float32")
    assert (measured["height"], measured["width"], measured["objects"]) == (34, 50, 2)
    assert (measured["engine"], measured["pipelined"]) == ("fast", None)
    protocols = {"streaming", "pipelined", "released", "released_warm", "roofline"}
    assert set(measured["protocol"]) == protocols | {"ratio_to_released"}
    assert measured["provenance"]["threads"] == torch.get_num_threads()
    assert measured["provenance"]["device"]


def test_every_repeat_is_kept_and_the_summary_is_theirs(measured):
    streaming = measured["streaming"]
    assert [len(steps) for steps in streaming["repeats"]] == [2] * 5  # frame 0 is apart
    assert len(streaming["init_ms"]) == 5
    kept = np.array(streaming["repeats"])
    assert (kept > 0).all()
    assert streaming["timed_frames"] == kept.size
    assert streaming["fps"] == pytest.approx(1000 * kept.size / kept.sum())
    assert streaming["p50_ms"] == pytest.approx(np.median(kept))
    assert (streaming["p90_ms"], streaming["p99_ms"]) == (None, None)  # of 10 latencies
    assert streaming["spread"]["fps_min"] <= streaming["fps"] <= streaming["spread"]["fps_max"]


def test_released_counts_frame_0(measured):
    cold = measured["released"]
    assert cold["frames"] == 3
    assert cold["fps"] == pytest.approx(3 / cold["seconds"])


def test_peak_memory_is_that_of_a_process_with_torch(measured):
    assert 50e6 < measured["streaming"]["peak_memory_bytes"] < 50e9


def test_the_device_is_synchronised_before_every_clock_reading(monkeypatch):
    events = []

    class Recorder(HeldStill):
        def init(self, frame, mask):
            events.append("init")
            return super().init(frame, mask)

        def step(self, frame, state):
            events.append("step")
            return super().step(frame, state)

    def clock(device):
        events.append("clock")
        return float(len(events))

    monkeypatch.setattr(module, "read_clock", clock)
    clip, mask = disc_clip(3, 32, 48)
    module.time_streaming(Recorder(), clip, mask, CPU, repeats=5, warmup=1)
    one_clip = ["clock", "init", "clock", "step", "clock", "step", "clock"]
    assert events == one_clip * 6  # one warm-up, five repeats


def test_the_clock_synchronises_a_gpu(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "synchronize", calls.append)
    read_clock(CPU)
    assert calls == []
    read_clock(torch.device("cuda"))
    assert calls == [torch.device("cuda")]


def test_released_runs_before_any_warm_up(monkeypatch):
    order = []

    def noted(name, function):
        def run(*arguments):
            order.append(name)
            return function(*arguments)

        return run

    names = ["time_released", "time_streaming", "time_released_warm", "measure_ceilings"]
    for name in names:
        monkeypatch.setattr(module, name, noted(name, getattr(module, name)))
    speed(Variant("exp8"), "hrnet", **SMALL)
    # The ceilings come last: their large buffers would count as the tracker's memory.
    assert list(dict.fromkeys(order)) == names


def test_fractions_are_of_the_counted_layers_and_the_same_run(measured):
    layers = count_layers(build_model(Variant("exp8"), "hrnet"), 34, 50, objects=2)
    found, streaming = measured["roofline"]["streaming"], measured["streaming"]
    assert found["macs"] == sum(layer.macs for layer in layers.further)
    assert found["matrix_rate_fraction"] == pytest.approx(
        2 * found["macs"] * streaming["fps"] / RATE
    )
    assert found["fraction"] == pytest.approx(found["seconds"] * streaming["fps"])
    cold = measured["roofline"]["released"]
    clip = [*layers.first, *layers.further, *layers.further]  # frame 0 and two more
    assert cold["macs"] == sum(layer.macs for layer in clip)
    assert cold["fraction"] == pytest.approx(cold["seconds"] / measured["released"]["seconds"])
    warm = measured["roofline"]["released_warm"]
    assert warm["macs"] == found["macs"]
    assert warm["fraction"] == pytest.approx(warm["seconds"] * measured["released_warm"]["fps"])


def test_the_ratio_is_of_two_warm_runs_over_the_same_frames(measured):
    streaming, warm = measured["streaming"], measured["released_warm"]
    assert (len(warm["seconds"]), warm["frames"]) == (5, 2)  # a repeat each, without frame 0
    assert warm["warmup_clips"] == streaming["warmup_clips"] == 1
    assert warm["fps"] == pytest.approx(10 / sum(warm["seconds"]))
    assert measured["ratio_to_released"] == pytest.approx(streaming["fps"] / warm["fps"])


def test_the_ratio_leaves_out_what_the_released_loop_cuts():
    """Frames 1 and 2 take 10 ms in both; what comes after them only streaming has timed."""
    streaming = {"repeats": [[10.0, 10.0, 990.0], [10.0, 10.0, 2.0]]}
    assert ratio_to_released(streaming, {"fps": 100.0, "frames": 2}) == pytest.approx(1)
    assert ratio_to_released(streaming, {"fps": 20.0, "frames": 1}) == pytest.approx(5)


def test_the_warm_loop_reads_the_clock_around_the_frames_after_frame_0(monkeypatch):
    events = []

    def clock(device):
        events.append("clock")
        return float(len(events))

    model = build_model(Variant("exp8"), "hrnet").eval()
    for name in ("start", "step"):
        function = getattr(model, name)
        noted = lambda *given, of=function, by=name: (events.append(by), of(*given))[1]  # noqa: E731
        monkeypatch.setattr(model, name, noted)
    monkeypatch.setattr(released, "read_clock", clock)
    clip, mask = disc_clip(3, 32, 48)
    found = released.time_released_warm(model, clip, mask, CPU, repeats=2, warmup=1)
    assert events == ["start", "clock", "step", "step", "clock"] * 3
    assert found["seconds"] == [3.0, 3.0]
    assert found["fps"] == pytest.approx(4 / 6)


def test_each_protocol_is_held_against_the_ceilings_of_its_precision():
    found = speed(Variant("exp8"), "hrnet", precision="bfloat16", compile="off", **SMALL)
    assert (found["precision"], found["compiled"]) == ("bfloat16", False)
    assert set(found["ceilings"]) == {"bfloat16", "float32"}
    macs, fps = found["roofline"]["streaming"]["macs"], found["streaming"]["fps"]
    reached = found["roofline"]["streaming"]["matrix_rate_fraction"]
    assert reached == pytest.approx(2 * macs * fps / (2 * RATE))


def test_the_reference_engine_can_be_timed():
    found = speed(Variant("exp8"), "hrnet", engine="reference", **SMALL)
    assert (found["engine"], found["precision"]) == ("reference", "float32")
    with pytest.raises(UserError, match="reference engine"):
        speed(Variant("exp8"), "hrnet", engine="reference", compile="on", **SMALL)


def test_pipelined_is_the_whole_stream():
    class Streamed(HeldStill):
        def stream(self, frames, state):
            streamed.append(0)
            for frame in frames:
                streamed[-1] += 1
                yield self.step(frame, state)[0]

    streamed = []
    clip, mask = disc_clip(4, 32, 48)
    found = module.time_pipelined(Streamed(), clip, mask, CPU, repeats=5)
    assert streamed == [3] * 5
    assert found["fps"] == pytest.approx(15 / sum(found["seconds"]))


def test_the_table_has_a_row_for_each_protocol(measured):
    rows = measured["rows"]
    assert [row["protocol"] for row in rows] == ["streaming", "released", "released, warm"]
    first, last, warm = rows
    assert first["model"] == "exp8-hrnet, 34x50, 2 objects"
    assert first["fps"] == measured["streaming"]["fps"]
    assert first["times_released"] == pytest.approx(measured["ratio_to_released"])
    assert first["roofline_fraction"] == measured["roofline"]["streaming"]["fraction"]
    assert (last["engine"], last["precision"], last["times_released"]) == ("released", "float32", 1)
    assert (warm["fps"], warm["times_released"]) == (measured["released_warm"]["fps"], 1)
    assert last["p50_ms"] is None
    text = table(rows)
    assert len(text.splitlines()) == 5
    text = re.sub(" +", " ", text)
    assert f"| {first['fps']:.2f} | {first['p50_ms']:.1f} | – | – | 10 |" in text
    assert f"| {last['fps']:.2f} | | | | |" in text


def test_a_file_of_a_cold_released_run_has_no_ratio(measured):
    """What earlier versions kept as ratio_to_released is warm over cold."""
    old = {key: value for key, value in measured.items() if key != "released_warm"}
    streaming, cold = make_rows({**old, "ratio_to_released": 2.5})
    assert (streaming["times_released"], cold["times_released"]) == (None, 1)
    assert table([streaming]).splitlines()[-1].endswith(" – |")


def test_a_file_of_too_few_latencies_keeps_its_percentiles_to_itself(measured):
    """Files of earlier versions have a p99 of 25 latencies."""
    old = {**measured["streaming"]} | {"p90_ms": 9.0, "p99_ms": 9.9, "repeats": [[1.0] * 5] * 5}
    row = make_rows({**measured, "streaming": old})[0]
    assert (row["p90_ms"], row["p99_ms"], row["timed_frames"]) == (None, None, 25)
    row = make_rows({**measured, "streaming": old | {"repeats": [[1.0] * 30]}})[0]
    assert (row["p90_ms"], row["p99_ms"], row["timed_frames"]) == (9.0, None, 30)


def test_a_pipelined_row_is_as_much_nearer_to_the_roofline_as_it_is_faster(measured):
    twice = {**measured, "pipelined": {"fps": 2 * measured["streaming"]["fps"], "seconds": []}}
    streaming, pipelined, *_ = make_rows(twice)
    assert pipelined["protocol"] == "pipelined"
    for key in ("roofline_fraction", "matrix_rate_fraction", "times_released"):
        assert pipelined[key] == pytest.approx(2 * streaming[key])


def test_what_is_no_speed_file_is_one_clear_line(measured, tmp_path):
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(measured.plain()))
    assert read_speed(path) == measured
    path.write_text('{"streaming": {"fps": 1}}')
    with pytest.raises(UserError, match=r"speed\.json: has no 'device'; make it anew"):
        read_speed(path)


def test_released_cuts_long_clips():
    model = build_model(Variant("exp1"), "hrnet").eval()
    clip, mask = disc_clip(130, 16, 16)
    assert module.time_released(model, clip, mask, CPU)["frames"] == 128


def test_a_checkpoint_is_measured_and_leaves_random_numbers_and_precision_flags_alone(tmp_path):
    path = tmp_path / "c.safetensors"
    save(build_model(Variant("exp8"), "hrnet"), path, {})
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    flags = (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    found = speed(Variant("exp8"), "hrnet", checkpoint=path, **SMALL)
    assert torch.equal(torch.rand(1), expected)
    assert found["provenance"]["checkpoint"] == str(path)
    assert flags == (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"repeats": 4}, "4 repeats"),
        ({"frames": 1}, "1 frame"),
        ({"warmup": -1}, "warmup"),
        ({"precision": "float8"}, "unknown precision"),
        ({"precision": "tf32"}, "CUDA only"),
        ({"objects": 9, "height": 34}, "takes 1 to 4"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments, words):
    with pytest.raises(UserError, match=words):
        speed(Variant("exp8"), "hrnet", **{**SMALL, **arguments})


def test_cuda_without_cuda_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="CUDA"):
        speed(Variant("exp8"), "hrnet", device="cuda", **SMALL)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_cuda_is_measured(precision):
    found = speed(Variant("exp8"), "hrnet", device="cuda", precision=precision, **SMALL)
    assert found["provenance"]["device"] == torch.cuda.get_device_name()
    assert found["streaming"]["peak_memory_bytes"] > 1e6


def test_the_clip_is_the_same_every_time_and_moves():
    clip, mask = disc_clip(4, 40, 60, objects=3)
    again, _ = disc_clip(4, 40, 60, objects=3)
    assert clip.shape == (4, 40, 60, 3)
    np.testing.assert_array_equal(clip, again)
    assert set(np.unique(mask)) == {0, 1, 2, 3}
    assert not np.array_equal(clip[0], clip[-1])


def test_the_terminal_tells_what_its_columns_count(capsys, monkeypatch, tmp_path, measured):
    """The same model has other counts in `ttvos cost` and in Table 6."""
    monkeypatch.setattr(module, "speed", lambda *given, **named: measured)
    command = ["speed", "--backbone", "hrnet", "--out", str(tmp_path / "s.json")]
    assert main(command) in (0, None)
    text = capsys.readouterr().out
    assert LEGEND in text
    assert max(map(len, text.splitlines())) <= 100
