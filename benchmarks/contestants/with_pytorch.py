"""Plain PyTorch: the loop of its quickstart over a TensorDataset and a DataLoader.

Flags: compile, bf16 (autocast), cl (channels last), lean (batches cut from tensors in memory, fused optimizer).
"""

import contextlib
from collections.abc import Iterator

import torch
from clock import Clock, Job
from rows import ROWS, examples_of
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch_nets import NETS, count


def main() -> None:
    job = Job.from_command_line()
    row = ROWS[job.row]
    clock = Clock(job, row.batch, row.epoch_steps)
    clock.mark("imported")
    torch.manual_seed(0)
    inputs, answers = map(torch.from_numpy, examples_of(row, job.data, first=True))
    if "cl" in job.flags:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    clock.mark("read")
    model = NETS[job.row]()
    parameters = count(model)
    if "cl" in job.flags:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=row.lr, momentum=0.9, nesterov=True, fused="lean" in job.flags or None
    )
    if "compile" in job.flags:
        model = torch.compile(model)
    clock.mark("built")
    epoch = lean if "lean" in job.flags else documented
    train(model, optimizer, epoch(inputs, answers, row.batch), "bf16" in job.flags, clock)
    clock.write(parameters=parameters, version=torch.__version__)


def documented(inputs: Tensor, answers: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless epochs of a DataLoader; data that lie in memory need no worker processes."""
    loader = DataLoader(TensorDataset(inputs, answers), batch_size=batch, shuffle=True)
    while True:
        yield from loader


def lean(inputs: Tensor, answers: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless epochs cut straight from the tensors."""
    while True:
        for rows in torch.randperm(len(answers)).split(batch):
            yield inputs[rows], answers[rows]


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterator[tuple[Tensor, Tensor]],
    bf16: bool,
    clock: Clock,
) -> None:
    """Until the clock has seen enough."""
    loss_of = nn.CrossEntropyLoss()
    model.train()
    for steps, (x, y) in enumerate(batches, 1):
        with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
            loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if clock.tick(steps, loss.item):
            return


if __name__ == "__main__":
    main()
