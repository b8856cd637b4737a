"""Settings of what a network begins with instead of chance."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightsSettings:
    """Public weights by name, a file of them, the bundle of another run, or vectors of words; else from the seed."""

    file: str = ""  # .safetensors, or .pth as tensors alone
    name: str = ""  # of `deepglass ls weights`; with a file: what the file holds
    fetch: bool = False  # download `name` where it is not here: nothing is fetched unasked
    parent: str = ""  # another run, or its bundle
    vectors: str = ""  # a text file of word vectors (word2vec, GloVe, fastText) that the table of words begins with
