"""The pretended device refuses what CUDA refuses, notes every wait, and computes as the CPU."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.pretended_cuda import CUDA, PretendedCuda, pretended_cuda
from ttvos.engine.graph import capture_cuda


@pytest.fixture
def cuda():
    with pretended_cuda() as device:
        yield device


@pytest.mark.parametrize(
    "mix",
    [
        lambda there, here: there + here,
        lambda there, here: torch.cat([there, here]),
        lambda there, here: torch.stack([there[0], here[0].sum()]),
        lambda there, here: there @ here,
        lambda there, here: here.add_(there),
        lambda there, here: here[0, 0].add_(there[0, 0]),
        lambda there, here: here[there > 0],
        lambda there, here: there.where(here > 0, 0.0),
        lambda there, here: nn.functional.conv2d(there[None, None], here[None, None]),
        lambda there, here: nn.Linear(3, 3)(there),
        lambda there, here: there.index_select(0, here[0].long()),
        lambda there, here: there.numpy(),
        lambda there, here: np.asarray(there),
        lambda there, here: np.zeros(9)[there[0].cpu().long(), there[0]],
    ],
)
def test_what_cuda_refuses(cuda: PretendedCuda, mix):
    here = torch.rand(3, 3)
    with pytest.raises((RuntimeError, TypeError), match=r"same device|type tensor to numpy"):
        mix(here.to("cuda"), here)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, here: x + torch.tensor(2.0),
        lambda x, here: torch.where(x > 0.5, x, torch.tensor(0.0)),
        lambda x, here: x[torch.tensor([2, 0])],
        lambda x, here: x.clone().copy_(here),
        lambda x, here: x.masked_fill(x > 0.5, torch.tensor(7.0)),
        lambda x, here: nn.functional.one_hot((9 * x).long(), 10),
        lambda x, here: x.new_zeros(3) + torch.ones(3, device=x.device) + x.new_tensor([1, 2, 3]),
        lambda x, here: x[x > 0.5],
        lambda x, here: x.unsqueeze_(0).squeeze_(0),
    ],
)
def test_what_cuda_takes_gives_what_the_cpu_gives(cuda: PretendedCuda, mix):
    here = torch.rand(3, 3, generator=torch.Generator().manual_seed(0))
    found = mix(here.to("cuda"), here)
    assert found.device == CUDA
    assert found.is_cuda
    assert found.cpu().device.type == "cpu"
    assert torch.equal(found.cpu(), mix(here.clone(), here))


@pytest.mark.parametrize(
    ("run", "kinds"),
    [
        (lambda x: x.sum().item(), ["item"]),
        (lambda x: bool((x > 0).all()), ["item"]),
        (lambda x: int(x.argmax()), ["item"]),
        (lambda x: torch.equal(x, x), ["item"]),
        (lambda x: x.nonzero(), ["nonzero"]),
        (lambda x: x[x > 0], ["nonzero"]),
        (lambda x: x.cpu(), ["copy to host"]),
        (lambda x: x.to("cpu", non_blocking=True), ["copy to host"]),  # whose memory is pageable
        (lambda x: x.tolist(), ["copy to host"]),
        (lambda x: torch.empty(3, 3).copy_(x), ["copy to host"]),
        (lambda x: torch.empty(3, 3, pin_memory=True).copy_(x), ["copy to host"]),
        (lambda x: torch.empty(3, 3, pin_memory=True).copy_(x, non_blocking=True), []),
        (lambda x: torch.tensor([1.0], device="cuda"), ["copy to device"]),
        (lambda x: x.copy_(torch.zeros(3, 3)), ["copy to device"]),
        (lambda x: x[torch.tensor([0])], ["copy to device"]),
        (lambda x: torch.zeros(3).pin_memory().to("cuda", non_blocking=True), []),
        (lambda x: torch.zeros(3, 3, device="cuda") + x.to("cuda").float().half(), []),
        (lambda x: torch.cuda.synchronize(), ["synchronize"]),
    ],
)
def test_waits_are_counted(cuda: PretendedCuda, run, kinds: list[str]):
    x = torch.rand(3, 3).to("cuda")
    cuda.waits.clear()
    run(x)
    assert cuda.kinds() == kinds


def test_pinned_memory_holds_a_result_once_its_event_was_waited_for(cuda: PretendedCuda):
    x, kept = torch.ones(3, device="cuda"), torch.zeros(3, pin_memory=True)
    kept.copy_(x, non_blocking=True)
    event = torch.cuda.Event()
    event.record()
    x.zero_()  # comes after the copy
    assert kept.tolist() == [0, 0, 0]
    event.synchronize()
    assert kept.tolist() == [1, 1, 1]


def test_a_graph_computes_anew_on_the_same_memory(cuda: PretendedCuda):
    x, total = torch.ones(2, 2, device="cuda"), torch.zeros(2, device="cuda")

    def run() -> list[Tensor]:
        total.add_(x.t()[0])
        return [2 * total, torch.zeros(2, device="cuda")]

    replay = capture_cuda(run)
    total.zero_()
    x.fill_(3)
    given = replay()
    assert given[0].tolist() == [6, 6]
    replay()
    assert given[0].tolist() == [12, 12]
    assert given[1].tolist() == [0, 0]


@pytest.mark.parametrize("wait", [Tensor.item, Tensor.cpu, Tensor.nonzero])
def test_a_graph_cannot_wait(cuda: PretendedCuda, wait):
    x = torch.ones((), device="cuda")
    refused = pytest.raises(RuntimeError, match="not permitted when stream is capturing")
    with refused, torch.cuda.graph(torch.cuda.CUDAGraph()):
        wait(x)
    assert cuda.captured is None


def test_a_module_goes_there_and_learns_as_on_the_cpu(cuda: PretendedCuda):
    results = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 1))
        weight = model[0].weight
        model.to(device)
        assert model[0].weight is weight  # as an optimizer may hold it already
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        model(torch.rand(2, 3, 6, 6).to(device)).square().sum().backward()
        optimizer.step()
        assert weight.grad.device.type == device
        results.append({name: value.cpu() for name, value in model.state_dict().items()})
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())


def test_nothing_of_it_is_left():
    with pretended_cuda():
        assert torch.cuda.is_available()
    assert torch.zeros(2).to("cpu").numpy().sum() == 0
    assert torch.cuda.synchronize.__module__ == "torch.cuda"
    assert not torch.__future__.get_swap_module_params_on_conversion()
