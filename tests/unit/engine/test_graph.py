"""The graph's buffers, with a capture that runs the function anew at each replay."""

import numpy as np
import pytest
import torch

from ttvos.engine.graph import GraphRunner
from ttvos.engine.step import FastStep, StepOptions
from ttvos.engine.tracker import FastTracker
from ttvos.engine.transfer import Transfer


def capture_on_cpu(run):
    """As a CUDA graph: fixed result tensors, which each replay overwrites."""
    run()  # a capture runs the function too
    results = [tensor.clone() for tensor in run()]

    def replay():
        for kept, new in zip(results, run(), strict=True):
            kept.copy_(new)
        return results

    return replay


@pytest.fixture
def setup(exp8, clip):
    frames, mask = (torch.from_numpy(array) for array in clip)
    step = FastStep(exp8, StepOptions(tuple(mask.shape)))
    memory = step.first(frames[0], (mask == 1).float()[None])
    return step, frames, memory


def expected(step, frames, memory):
    labels = []
    for frame in frames:
        results, memory = step(frame, *memory)
        labels.append(results[0].clone())
    return labels


def test_a_replay_gives_what_the_step_gives(setup):
    step, frames, memory = setup
    runner, held = GraphRunner(step, frames[1], memory, capture_on_cpu), memory
    for frame, labels in zip(frames[1:], expected(step, frames[1:], memory), strict=True):
        results, held = runner(frame, held)
        assert torch.equal(results[0], labels)


def test_two_clips_in_turn(setup):
    step, frames, memory = setup
    backwards = frames.flip(0)
    other = step.first(backwards[0], torch.ones(1, *frames.shape[1:3]))
    wanted = expected(step, frames[1:], memory), expected(step, backwards[1:], other)
    runner, held = GraphRunner(step, frames[1], memory, capture_on_cpu), [memory, other]
    for t in range(3):
        for which, clip in enumerate((frames, backwards)):
            results, held[which] = runner(clip[t + 1], held[which])
            assert torch.equal(results[0], wanted[which][t]), (t, which)


def test_a_used_state_is_refused(setup):
    step, frames, memory = setup
    runner = GraphRunner(step, frames[1], memory, capture_on_cpu)
    _, used = runner(frames[1], memory)
    runner(frames[2], used)
    with pytest.raises(RuntimeError, match="used already"):
        runner(frames[2], used)


class FakeCuda:
    """Streams and events that are done at once; counts what was waited for."""

    def __init__(self) -> None:
        self.waits = 0

    def Stream(self, device):
        return self

    Event = Stream

    def stream(self, stream):
        return torch.no_grad()

    def current_stream(self):
        return self

    def wait_stream(self, stream):
        pass

    def record(self):
        pass

    def synchronize(self):
        self.waits += 1


def test_the_stream_of_a_graph_is_one_frame_behind_and_complete(exp8, clip, monkeypatch):
    frames, mask = clip
    monkeypatch.setattr("ttvos.engine.graph.capture_cuda", capture_on_cpu)
    cuda = FakeCuda()
    cuda.Event = lambda: cuda
    monkeypatch.setattr("ttvos.engine.tracker.Transfer", lambda device: Transfer(device, cuda=cuda))
    plain = FastTracker(exp8, precision="float32")
    graphs = FastTracker(exp8, precision="float32")
    graphs.uses_graphs = True
    wanted = list(plain.stream(frames[1:], plain.init(frames[0], mask)))
    asked = []

    def watched():
        for number, frame in enumerate(frames[1:]):
            asked.append(number)
            yield frame

    given = []
    for prediction in graphs.stream(watched(), graphs.init(frames[0], mask)):
        given.append(prediction)
        assert len(asked) == min(len(given) + 1, len(frames) - 1)
    assert len(given) == len(wanted) == cuda.waits
    for one, two in zip(wanted, given, strict=True):
        assert np.array_equal(one.mask, two.mask)
        assert np.allclose(one.update_weight, two.update_weight)
