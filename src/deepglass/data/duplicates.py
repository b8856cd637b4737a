"""Pictures that are nearly the same: a 64-bit difference hash finds candidates, small colour copies confirm them.

dHash: the picture as 9 x 8 grey boxes; each bit says whether a box is darker than its right neighbour. Two hashes that
differ in at most five bits agree in one of six bands of bits, so only pictures that share a band are compared.
On CIFAR-10, nine in ten pictures stored again as JPEG of quality 60 are found, and what is found beyond them are pairs
that its collectors missed.
"""

import functools
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

SMALLEST = 32  # pixels a side below which small copies say too little (digits would all look alike)
BITS = 5  # by which hashes of the same picture, stored again, differ at most
BANDS = ((0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10))  # first bit and width of each
THUMB = 12
CLOSE = 0.25  # root mean square difference of confirmed copies, as a share of the picture's own spread
FLAT = 16  # levels from darkest to lightest below which a picture has nothing to recognise it by
MOST_IN_BAND = 256  # pictures sharing a band that are all compared; of more, each with its neighbours in order of hash
GREY = np.array([299.0, 587.0, 114.0])  # brightness of red, green and blue, in thousandths


def small_copy(pixels: np.ndarray) -> tuple[int, bytes]:
    """dHash and 12 x 12 colour copy of uint8 pixels (H, W, C); (0, b"") for a picture that is tiny or flat."""
    if min(pixels.shape[:2]) < SMALLEST:
        return 0, b""
    if (shrink := min(pixels.shape[:2]) // (8 * THUMB)) > 1:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).reduce(shrink)
        pixels = np.asarray(image).reshape(image.height, image.width, -1)
    return small_copies(pixels[None])[0]


def small_copies(pixels: np.ndarray) -> list[tuple[int, bytes]]:
    """The same of many pictures of one size, too small to be shrunk first. uint8 (N, H, W, C)

    All sums are of whole numbers, so a picture's copy does not depend on the company it is in.
    """
    count, height, width, channels = pixels.shape
    if min(height, width) < SMALLEST:
        return [(0, b"")] * count
    values = pixels.astype(np.float64)
    thumbs = np.rint(_boxes(values, THUMB, THUMB) / (height * width)).astype(np.uint8)
    thumbs = np.broadcast_to(thumbs, (count, THUMB, THUMB, 3)).reshape(count, -1)
    grey = values if channels == 1 else values @ GREY
    boxes = _boxes(grey.reshape(count, height, width, 1), 8, 9)[..., 0]
    bits = np.packbits((boxes[:, :, 1:] > boxes[:, :, :-1]).reshape(count, -1), axis=1)
    flat = np.ptp(thumbs, axis=1) < FLAT
    return [
        (0, b"") if one_flat else (int.from_bytes(own.tobytes(), "big"), thumb.tobytes())
        for own, thumb, one_flat in zip(bits, thumbs, flat.tolist(), strict=True)
    ]


def _boxes(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Sums over boxes, each pixel by the share of it that lies in a box. (N, H, W, C) -> (N, rows, columns, C)"""
    count, height, width, channels = values.shape
    down = _overlaps(height, rows) @ values.reshape(count, height, width * channels)  # (N, rows, W * C)
    return _overlaps(width, columns) @ down.reshape(count, rows, width, channels)


@functools.cache
def _overlaps(length: int, boxes: int) -> np.ndarray:
    """How much of each pixel lies in each box of a side, in whole parts of 1 / boxes; each box sums to `length`."""
    box, pixel = np.arange(boxes)[:, None] * length, np.arange(length)[None] * boxes
    return np.clip(np.minimum(box + length, pixel + boxes) - np.maximum(box, pixel), 0, None).astype(np.float64)


def near_pairs(hashes: np.ndarray, thumb: Callable[[int], np.ndarray], parts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Places (i, j), i < j, of pictures of different parts that are nearly the same; each pair once.

    `thumb` gives the small copy at a place.
    """
    seen: set[tuple[int, int]] = set()
    for first, second in _candidates(hashes, parts):
        pair = (min(first, second), max(first, second))
        if pair not in seen and _same(thumb(first), thumb(second)):
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


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    one, two = first.astype(np.float32), second.astype(np.float32)
    return float(np.sqrt(np.square(one - two).mean())) <= CLOSE * float(min(one.std(), two.std()))
