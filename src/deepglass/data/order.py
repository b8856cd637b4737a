"""Which rows make the batch at a step: a function of the step, so a run's position is one number.

A stream is an endless chain of keyed permutations: ticket t is epoch t // n, place t % n.
"""

from typing import Protocol

import numpy as np

from deepglass.foundation.seeds import SORTED, Permutation, key, keys_of, permutations, visit_keys

BLOCK = 8192  # tickets
SIMILAR = 1.2  # how much longer than the shortest row of its group a row may be ...
FILLED = 8  # ... or else as many batches as a group has at least, for a network should not learn in batches of two


class Order(Protocol):
    """The rows of any step, in O(1) memory beyond the list of rows itself."""

    steps_per_epoch: float

    def at(self, step: int) -> np.ndarray:
        """Row numbers of the batch at `step`. int64 (B,)"""
        ...

    def visits(self, step: int) -> np.ndarray:
        """`visit_keys` of these rows: a number of the example's own, one more at each visit. int64 (B,)"""
        ...


class Tickets:
    """Batches of B cut from a chain of tickets: step s holds the tickets sB ... sB + B - 1.

    Tickets are looked up a block of steps at a time: a block costs little more than one batch does.
    """

    def __init__(self, batch: int, seed: int):
        self.batch = batch
        self.seed = seed
        self._together = max(1, BLOCK // batch)  # steps in a block
        self._block: tuple[int, np.ndarray] = (-1, np.empty((2, 0), dtype=np.int64))

    def at(self, step: int) -> np.ndarray:
        """The rows of one step."""
        return self._looked_up(step)[0]

    def visits(self, step: int) -> np.ndarray:
        """Their `visit_keys`."""
        return self._looked_up(step)[1]

    def take(self, tickets: np.ndarray) -> np.ndarray:
        """The rows of any tickets, and how often each came before. int64 (N,) -> int64 (2, N)"""
        raise NotImplementedError

    def _looked_up(self, step: int) -> np.ndarray:
        number, place = divmod(step, self._together)
        known, found = self._block
        if known != number:
            first = number * self._together * self.batch
            found = self.take(np.arange(first, first + self._together * self.batch))
            found[1] = visit_keys(self.seed, *found)
            self._block = number, found
        return found[:, place * self.batch : (place + 1) * self.batch]


class Shuffled(Tickets):
    """Every row once an epoch, each epoch in an order of its own; batches run across the epochs' edges."""

    def __init__(self, rows: np.ndarray, batch: int, seed: int, stream: str = "train"):
        super().__init__(batch, seed)
        self.rows = rows
        self.key = key(seed, "order", stream)
        self.steps_per_epoch = len(rows) / batch

    def take(self, tickets: np.ndarray) -> np.ndarray:
        epochs, places = np.divmod(tickets, len(self.rows))
        for epoch in np.unique(epochs):
            mine = epochs == epoch
            places[mine] = Permutation(len(self.rows), self.key, int(epoch))(places[mine])
        return np.stack([self.rows[places], epochs])


class Balanced(Tickets):
    """Every class equally often: each round visits each class once, in a keyed order, `together` tickets at a time.

    Inside its class a row comes back only when the class is used up. An epoch is as many rows as there are examples.
    """

    def __init__(self, rows: np.ndarray, classes: np.ndarray, batch: int, seed: int, together: int = 1):
        super().__init__(batch, seed)
        self.together = together
        starts = np.cumsum(np.unique(classes, return_counts=True)[1])[:-1]
        members = np.split(rows[np.argsort(classes, kind="stable")], starts)
        self.members = members
        self.shuffled = [Shuffled(group, 1, seed, f"class/{place}") for place, group in enumerate(members)]
        self.steps_per_epoch = len(rows) / batch

    def take(self, tickets: np.ndarray) -> np.ndarray:
        count = len(self.members)
        found = np.empty((2, len(tickets)), dtype=np.int64)
        visits, places = np.divmod(tickets, self.together)
        turns, chosen = np.divmod(visits, count)
        rounds, which = np.unique(turns, return_inverse=True)
        if count <= SORTED:  # with two classes a block holds thousands of rounds
            chosen = permutations(count, keys_of(rounds, self.seed, "round"))[which, chosen]
        else:
            for place, turn in enumerate(rounds.tolist()):
                mine = which == place
                chosen[mine] = Permutation(count, self.seed, "round", turn)(chosen[mine])
        for name in np.unique(chosen):
            mine = chosen == name
            found[:, mine] = self.shuffled[name].take(turns[mine] * self.together + places[mine])
        return found


class Lengths:
    """Ragged rows in batches of similar length: cut once into groups, permuted inside each and across the epoch.

    A batch has at most `batch` rows, fewer where rows times the longest row would exceed `budget`. A group's rows
    differ by a fifth in length, or by more where there are too few of them for `FILLED` batches. Every row comes once
    an epoch; a group's batches are of one size, to a row.
    """

    def __init__(self, rows: np.ndarray, lengths: np.ndarray, budget: int, seed: int, batch: int = 0):
        by_length = np.argsort(lengths, kind="stable")
        ordered = np.maximum(1, lengths[by_length])
        self.seed = seed
        self.key = key(seed, "order", "lengths")
        self.groups: list[tuple[np.ndarray, int]] = []
        start = 0
        while start < len(rows):
            stop = int(np.searchsorted(ordered, int(ordered[start] * SIMILAR), side="right"))
            stop = max(stop, start + FILLED * batch)
            stop = stop if stop + FILLED * batch // 2 < len(rows) else len(rows)  # a rest too small for a group
            fits = max(1, budget // int(ordered[stop - 1]))
            self.groups.append((rows[by_length[start:stop]], min(batch, fits) if batch else fits))
            start = stop
        batches = [-(-len(group) // most) for group, most in self.groups]
        self.batches = batches
        self.owner = np.repeat(np.arange(len(batches)), batches)  # which group each batch of an epoch belongs to
        self.first = np.repeat(np.cumsum([0, *batches[:-1]]), batches)
        self.steps_per_epoch = float(len(self.owner))

    def visits(self, step: int) -> np.ndarray:
        """Every row comes once an epoch."""
        return visit_keys(self.seed, self.at(step), np.int64(step // len(self.owner)))

    def at(self, step: int) -> np.ndarray:
        """Rows of one batch, all from one group."""
        epoch, place = divmod(step, len(self.owner))
        chosen = Permutation(len(self.owner), self.key, "batches", epoch)(np.array([place]))[0]
        owner = int(self.owner[chosen])
        group, count, batch = self.groups[owner][0], self.batches[owner], int(chosen - self.first[chosen])
        places = np.arange(len(group) * batch // count, len(group) * (batch + 1) // count)
        return group[Permutation(len(group), self.key, owner, epoch)(places)]
