"""A network of your own, trained, saved and loaded again: python examples/own_network.py"""

from torch import nn

import deepglass as dg


class Rings(nn.Module):
    """Two hidden layers; `stages` and `head` are optional and make the report richer."""

    head = "answer"

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, 16), nn.Tanh())
        self.second = nn.Sequential(nn.Linear(16, 16), nn.Tanh())
        self.answer = nn.Linear(16, 2)

    def forward(self, x):
        return self.answer(self.second(self.first(x)))

    def stages(self):
        return ["first", "second"]


if __name__ == "__main__":
    run = dg.train("made:moons", model=Rings(), size="tiny")
    print(run)
    print(dg.load(run.run.folder, model=Rings()).predict([[0.0, 1.0], [1.0, -0.5]]))
