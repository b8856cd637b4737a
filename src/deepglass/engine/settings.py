"""Settings of training, with their reasons."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

Positive = Annotated[float, Gt(0)]
NotNegative = Annotated[float, Ge(0)]
Count = Annotated[int, Ge(1)]
Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class MuonSettings:
    """optimizer=muon: how kernels and matrices are moved, and what moves the rest (biases, norms, perhaps the head)."""

    iterations: Annotated[int, Ge(1), Le(20)] = 5  # of Newton and Schulz; three are enough for most networks
    unit: bool = False  # each matrix is brought to the norm √rows before it moves, and does not decay
    rest: Literal["adamw", "sgd"] = "adamw"
    rest_lr: NotNegative = 0.0  # their own rate; 0 is a tenth of lr
    rest_decay: NotNegative = 0.0  # rest=sgd: the share by which they shrink, each step at the full rate
    rest_momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    head_lr: NotNegative = 0.0  # the head goes with the rest at this rate; 0 leaves it among the matrices


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSettings:
    """How a network is learned."""

    epochs: Positive = 20.0
    steps: Count | None = None  # wins over epochs
    minutes: NotNegative = 0.0  # wins over both: as many steps as fit, checks and evaluation counted; 0 is off
    batch: Count = 128
    shards: Count = 1  # a step's rows in this many parts: smaller memory, the same sums; never the plan's choice
    optimizer: Literal["sgd", "adamw", "muon"] = "adamw"
    lr: Positive = 1e-3
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    weight_decay: NotNegative = 0.0  # only on matrices and kernels; biases and norms are left alone
    layer_decay: Annotated[float, Gt(0), Le(1)] = 1.0  # each stage's rate is this times the stage's above it
    freeze: tuple[str, ...] = ()  # names or name beginnings of parameters that stay as they are: "conv1", "layer1"
    freeze_later: tuple[str, ...] = ()  # the same, but only from `freeze_from` of the steps on
    freeze_from: Share = 0.5
    schedule: Literal["constant", "cosine", "linear", "onecycle", "step", "plateau"] = "cosine"
    warmup: Annotated[float, Ge(0), Lt(1)] = 0.05  # share of the steps in which the rate rises from nothing
    decay_every: Annotated[float, Gt(0), Le(1)] = 0.3  # schedule=step: after each such share of the steps ...
    decay_by: Annotated[float, Gt(0), Lt(1)] = 0.1  # ... and schedule=plateau: at each plateau, the rate times this
    plateau: Count = 5  # schedule=plateau: checks without a better score before the rate falls
    clip: NotNegative = 0.0  # largest norm of all gradients together; 0 is off
    average: Annotated[float, Ge(0), Lt(1)] = 0.0  # decay of the averaged weights; 0 is off
    check_epochs: Positive = 1.0  # epochs between two checks on the validation part
    save_minutes: Positive = 5.0  # a checkpoint at each check, and at the latest after this long
    patience: Annotated[int, Ge(0)] = 0  # stop after this many checks without a better score; 0 is off
    nonfinite: Literal["stop", "skip"] = "stop"  # a loss or gradient that is not finite never reaches the weights
    rollback: Annotated[int, Ge(0), Le(100)] = 0  # so often a loss that is not finite, or an alarm, sends the run back
    rollback_rate: Annotated[float, Gt(0), Lt(1)] = 0.5  # to the best check before it, with this times the rate
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    layout: Literal["auto", "contiguous", "channels_last"] = "auto"
    plan: str = "auto"  # "auto": measured where that repays itself; "plain": fp32, eager; or the path of a plan.json
    generated: str = ""  # RUN:N: N pictures by that run's bundle, equally many of each class, are learned as well
    tensorboard: bool = False  # event files under the run's folder as well
    device: str = "auto"
    muon: MuonSettings = MuonSettings()
