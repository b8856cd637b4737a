"""The four shapes of a recurrent network, and the one that puts two of them together; each trained until it works.

    python examples/rnn_shapes.py

    one-to-one     one-to-many         many-to-one          many-to-many          encoder and decoder

        y          y1   y2   y3                  y          y1   y2   y3                    y1   y2
        │           │    │    │                  │           │    │    │                     │    │
       [ ]         [h]─►[h]─►[h]       [h]─►[h]─►[h]        [h]◄►[h]◄►[h]       [h]─►[h]─►[h]─►[h]
        │           │                   │    │    │          │    │    │          │    │     │    │
        x           x                  x1   x2   x3         x1   x2   x3         x1   x2   begin  y1

Letters: B rows, T steps, H hidden numbers, V different tokens.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.cells import make_cell
from deepglass.blocks.dense import Dense
from deepglass.blocks.embedding import Embedding
from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation.padded import Padded

DIGITS, LENGTH, HIDDEN = 10, 6, 48
BEGIN, END = DIGITS, DIGITS + 1  # tokens beside the digits


def digits(rows: int, length: int = LENGTH) -> Tensor:
    """Rows of random digits. int64 (B, T)"""
    return torch.randint(0, DIGITS, (rows, length))


def whole(tokens: Tensor) -> Padded:
    """Rows that are all of one length."""
    return Padded(tokens, torch.full((len(tokens),), tokens.shape[1]))


class OneToOne(nn.Module):
    """A digit in, the next one out: nothing is remembered, so there is nothing recurrent. (B,) -> (B, V)"""

    def __init__(self):
        super().__init__()
        self.table, self.output = Embedding(DIGITS, HIDDEN), Dense(HIDDEN, DIGITS)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.table(whole(x[:, None])).values[:, 0])


class OneToMany(nn.Module):
    """A digit in, a row that counts up from it out: what was said is read at the next step. (B,) -> (B, T, V)"""

    def __init__(self):
        super().__init__()
        self.table, self.output = Embedding(DIGITS, HIDDEN), Dense(HIDDEN, DIGITS)
        self.cell = make_cell("lstm", HIDDEN, HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        state, said = None, []
        for _ in range(LENGTH):
            state = self.cell(self.table(whole(x[:, None])).values[:, 0], state)
            said.append(self.output(state[0]))
            x = said[-1].argmax(1)  # its own answer, in training as well
        return torch.stack(said, dim=1)


class ManyToOne(nn.Module):
    """A row in, one answer out: the last state has read everything. (B, T) -> (B, V)"""

    def __init__(self):
        super().__init__()
        self.table, self.output = Embedding(DIGITS, HIDDEN), Dense(HIDDEN, DIGITS)
        self.lstm = Recurrent("lstm", HIDDEN, HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        _, (h, _) = self.lstm(self.table(whole(x)))
        return self.output(h[-1])


class ManyToMany(nn.Module):
    """A row in, an answer at every step out, which has read both sides of it. (B, T) -> (B, T, V)"""

    def __init__(self):
        super().__init__()
        self.table, self.output = Embedding(DIGITS, HIDDEN), Dense(2 * HIDDEN, DIGITS)
        self.lstm = Recurrent("lstm", HIDDEN, HIDDEN, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.lstm(self.table(whole(x)))
        return self.output(steps.values)


class EncoderDecoder(nn.Module):
    """A row in, another length out: the reader's last state is the writer's first. (B, T), (B, L) -> (B, L, V)"""

    def __init__(self):
        super().__init__()
        self.table, self.output = Embedding(DIGITS + 2, HIDDEN), Dense(HIDDEN, DIGITS + 2)
        self.reads, self.writes = Recurrent("lstm", HIDDEN, HIDDEN), Recurrent("lstm", HIDDEN, HIDDEN)

    def forward(self, x: Tensor, so_far: Tensor) -> Tensor:
        _, state = self.reads(self.table(whole(x)))
        steps, _ = self.writes(self.table(whole(so_far)), state)
        return self.output(steps.values)

    def write(self, x: Tensor) -> Tensor:
        """Token by token, each read back, until every row has ended. (B, T) -> (B, L)"""
        so_far = torch.full((len(x), 1), BEGIN)
        while so_far.shape[1] <= LENGTH + 1 and not (so_far == END).any(1).all():
            so_far = torch.cat((so_far, self(x, so_far)[:, -1:].argmax(2)), dim=1)
        return so_far[:, 1:]


def train(network: nn.Module, rows: Callable[[], tuple[tuple[Tensor, ...], Tensor]], steps: int) -> None:
    """What goes in and what should come out, again and again."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(steps):
        inputs, target = rows()
        loss = F.cross_entropy(network(*inputs).flatten(0, -2), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def told(name: str, x: Tensor, y: Tensor, true: Tensor) -> None:
    """Shapes, how many answers are right, and the first row."""
    right = (y == true).float().mean().item()
    shapes = f"{tuple(x.shape)} -> {tuple(y.shape)}"
    print(f"{name:<16} {shapes:<20} accuracy {right:.3f}   {x[0].tolist()} -> {y[0].tolist()}")


def backwards(x: Tensor) -> tuple[Tensor, Tensor]:
    """The even digits of each row from the last to the first, behind begin and before end, filled up with ends."""
    rows = [[digit for digit in reversed(row) if digit % 2 == 0] for row in x.tolist()]
    whole_rows = torch.tensor([[BEGIN, *row] + [END] * (LENGTH + 1 - len(row)) for row in rows])
    return whole_rows[:, :-1], whole_rows[:, 1:]


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)

    network = OneToOne()
    following = lambda x: (x + 1) % DIGITS  # noqa: E731
    train(network, lambda: ((x := digits(64)[:, 0],), following(x)), 50)
    x = digits(200)[:, 0]
    told("one-to-one", x, network(x).argmax(1), following(x))

    network = OneToMany()
    counting = lambda x: (x[:, None] + 1 + torch.arange(LENGTH)) % DIGITS  # noqa: E731
    train(network, lambda: ((x := digits(64)[:, 0],), counting(x)), 200)
    x = digits(200)[:, 0]
    told("one-to-many", x, network(x).argmax(2), counting(x))

    network = ManyToOne()
    largest = lambda x: x.amax(1)  # noqa: E731
    train(network, lambda: ((x := digits(64),), largest(x)), 300)
    x = digits(200)
    told("many-to-one", x, network(x).argmax(1), largest(x))

    network = ManyToMany()
    larger = lambda x: torch.maximum(F.pad(x, (1, 0))[:, :-1], F.pad(x, (0, 1))[:, 1:])  # noqa: E731, of both neighbours
    train(network, lambda: ((x := digits(64),), larger(x)), 400)
    x = digits(200)
    told("many-to-many", x, network(x).argmax(2), larger(x))

    network = EncoderDecoder()

    def sentence() -> tuple[tuple[Tensor, Tensor], Tensor]:
        x = digits(64)
        so_far, following = backwards(x)
        return (x, so_far), following

    train(network, sentence, 800)
    x = digits(200)
    written, (_, true) = network.write(x), backwards(x)
    told("encoder-decoder", x, F.pad(written, (0, true.shape[1] - written.shape[1]), value=END), true)


if __name__ == "__main__":
    main()
