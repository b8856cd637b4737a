"""Keras 3 on the backend that KERAS_BACKEND names: model.compile, then model.fit on arrays in memory.

Flags: bf16 (mixed_bfloat16), cf (channels first), jit and nojit (jit_compile; neither: Keras decides), spe (ten steps
in one call).
"""

import contextlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from clock import Clock, Job
from keras_nets import NETS
from rows import ROWS, examples_of


class Enough(Exception):
    """The clock has seen what it wanted."""


class Watch(keras.callbacks.Callback):
    """Tells the clock of every step; called beside the training, like Keras's own progress bar.

    It ends by an exception: from that thread `stop_training` would be set while JAX's arrays change hands.
    """

    async_safe = True

    def __init__(self, clock: Clock):
        super().__init__()
        self.clock, self.over = clock, False
        self.sum = 0.0  # of the epoch's losses so far: Keras tells their mean

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self.begun, self.sum = epoch * self.clock.epoch_steps, 0.0

    def on_train_batch_end(self, place: int, logs=None) -> None:
        if not self.over and self.clock.tick(self.begun + place + 1, lambda: self._loss(place, logs)):
            self.over = True
            raise Enough

    def _loss(self, place: int, logs) -> float:
        before, self.sum = self.sum, logs["loss"] * (place + 1)
        return self.sum - before if self.clock.job.epochs else logs["loss"]


def main() -> None:
    job = Job.from_command_line()
    row, flags = ROWS[job.row], job.flags
    clock = Clock(job, row.batch, row.epoch_steps)
    clock.mark("imported")
    keras.utils.set_random_seed(0)
    if "cf" in flags:
        keras.config.set_image_data_format("channels_first")
    if "bf16" in flags:
        keras.config.set_dtype_policy("mixed_bfloat16")
    inputs, answers = examples_of(row, job.data, first="cf" in flags)
    clock.mark("read")
    model = NETS[job.row]()
    jit = {"jit": True, "nojit": False}
    model.compile(
        optimizer=keras.optimizers.SGD(row.lr, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=next((jit[flag] for flag in flags if flag in jit), "auto"),
        steps_per_execution=10 if "spe" in flags else 1,
    )
    clock.mark("built")
    watch = Watch(clock)
    watch.async_safe = not job.epochs  # losses are wanted in their order
    with contextlib.suppress(Enough):
        model.fit(inputs, answers, batch_size=row.batch, epochs=10**6, callbacks=[watch], verbose=0)
    parameters = sum(int(weights.size) for weights in map(_array, model.trainable_weights))
    clock.write(parameters=parameters, version=f"{keras.__version__} on {keras.backend.backend()}")


def _array(weights):
    return keras.ops.convert_to_numpy(weights)


if __name__ == "__main__":
    main()
