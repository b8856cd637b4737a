"""Lightning: a LightningModule and a Trainer, as its guide starts them; no logger, progress bar or checkpoints.

Flags: compile, bf16 (precision="bf16-mixed"), cl (channels last), lean (the dataset gives whole batches, the optimizer
is fused).
"""

import warnings

import lightning as L  # noqa: N812 -- as its documentation does
import torch
import torch.nn.functional as F
from clock import Clock, Job
from rows import ROWS, Row, examples_of
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
from torch_nets import NETS, count


class Classifier(L.LightningModule):
    """The guide's module: a network, a training step, an optimizer."""

    def __init__(self, model: nn.Module, row: Row, lean: bool):
        super().__init__()
        self.model, self.row, self.lean = model, row, lean

    def training_step(self, batch: tuple[Tensor, Tensor], place: int) -> Tensor:
        x, y = batch
        loss = F.cross_entropy(self.model(x), y)
        if not self.lean:
            self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        fused = self.lean or None
        return torch.optim.SGD(self.parameters(), lr=self.row.lr, momentum=0.9, nesterov=True, fused=fused)


class Watch(L.Callback):
    """Tells the clock of every step."""

    def __init__(self, clock: Clock):
        self.clock = clock

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs, batch, place: int) -> None:
        if self.clock.tick(trainer.global_step, lambda: float(outputs["loss"])):
            trainer.should_stop = True


def main() -> None:
    warnings.filterwarnings("ignore")
    job = Job.from_command_line()
    row, flags = ROWS[job.row], job.flags
    clock = Clock(job, row.batch, row.epoch_steps)
    clock.mark("imported")
    L.seed_everything(0, verbose=False)
    inputs, answers = map(torch.from_numpy, examples_of(row, job.data, first=True))
    if "cl" in flags:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    data = TensorDataset(inputs, answers)
    if "lean" in flags:  # a list of places at once, instead of one after the other
        loader = DataLoader(data, batch_size=None, sampler=BatchSampler(RandomSampler(data), row.batch, True))
    else:
        loader = DataLoader(data, batch_size=row.batch, shuffle=True)
    clock.mark("read")
    model = NETS[job.row]()
    parameters = count(model)
    if "cl" in flags:
        model = model.to(memory_format=torch.channels_last)
    module = Classifier(torch.compile(model) if "compile" in flags else model, row, "lean" in flags)
    trainer = L.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=-1,
        precision="bf16-mixed" if "bf16" in flags else "32-true",
        callbacks=[Watch(clock)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    clock.mark("built")
    trainer.fit(module, loader)
    clock.write(parameters=parameters, version=f"{L.__version__} on torch {torch.__version__}")


if __name__ == "__main__":
    main()
