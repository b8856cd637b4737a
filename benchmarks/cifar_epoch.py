"""One step of `deepglass train DIR --model resnet20` against the plain PyTorch loop on tensors already in memory.

python benchmarks/cifar_epoch.py DIR [--steps 20] [--rounds 5]

Both train the same network with the same optimizer on the same batch size, in one process, in turn; the plain loop
neither augments nor averages weights nor checks anything. Printed: medians of seconds a step, and their ratio.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from deepglass.engine.journal import Journal
from deepglass.engine.loop import one_step
from deepglass.foundation.settings import Override
from deepglass.journey import propose
from deepglass.run import Run


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("data")
    words.add_argument("--steps", type=int, default=20)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--plan", default="plain")
    asked = words.parse_args()
    overrides = [Override("model.name", "resnet20", "bench"), Override("train.plan", asked.plan, "bench")]
    proposal = propose(asked.data, overrides)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), proposal.settings, proposal.origins, source=proposal.source)
        began = time.perf_counter()
        material = run.material()
        print(f"read, checked and prepared in {time.perf_counter() - began:.1f} s (reused: {material.store.reused})")
        training, state = run.training(material, Journal(Path(folder)))
        plain = run.build_model(material.task)
        rows = torch.from_numpy(material.rows["train"])
        pictures = torch.from_numpy(material.store.columns["input"])[rows].float().div_(255)
        answers = material.targets["target"][rows]
        optimizer = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        batch = run.settings.train.batch
        ours, theirs = [], []
        for _ in range(asked.rounds + 1):
            began = time.perf_counter()
            for _ in range(asked.steps):
                one_step(material.task, state, training, training.batch(state.step))
            ours.append((time.perf_counter() - began) / asked.steps)
            order = torch.randperm(len(rows))
            plain.train()
            began = time.perf_counter()
            for step in range(asked.steps):
                chosen = order[step * batch : (step + 1) * batch]
                loss = F.cross_entropy(plain(pictures[chosen]), answers[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            theirs.append((time.perf_counter() - began) / asked.steps)
        mine, other = statistics.median(ours[1:]), statistics.median(theirs[1:])
        print(f"plan {training.plan.precision} {training.plan.layout}")
        print(f"deepglass {1000 * mine:.1f} ms a step, plain PyTorch {1000 * other:.1f} ms; ratio {mine / other:.3f}")


if __name__ == "__main__":
    main()
