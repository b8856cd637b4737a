"""Whole volumes window by window: blended as asked, the same however many slices, and never held many times over."""

import json
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.augment.patches import cut, starts, weights
from deepglass.tasks.sliding import blended

SIDES = st.lists(st.integers(1, 12), min_size=3, max_size=3)


def kinds(parts):
    """Three classes by value and by place in the window, so that windows disagree."""
    places = torch.linspace(-1, 1, parts.shape[2])[:, None, None].expand(parts.shape[2:])
    scores = torch.stack([parts[:, 0], -parts[:, 0], places.expand(len(parts), -1, -1, -1)], 1)
    return scores.softmax(1)


def at_once(volume, low, size, overlap):
    """The same with everything held together."""
    shape = [max(pair) for pair in zip(volume.shape, size, strict=True)]
    shares, bell = torch.zeros(3, *shape), weights(size)
    for z in starts(shape[0], size[0], overlap):
        for y in starts(shape[1], size[1], overlap):
            for x in starts(shape[2], size[2], overlap):
                here = tuple(slice(at, at + side) for at, side in zip((z, y, x), size, strict=True))
                shares[:, *here] += kinds(cut(volume, (z, y, x), size, low)[None, None])[0] * bell
    depth, height, width = volume.shape
    return shares[:, :depth, :height, :width]


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.sampled_from((0.0, 0.25, 0.5)), st.integers(0, 99))
def test_what_windows_say_is_averaged_the_middle_counting_most(shape, size, overlap, seed):
    volume = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    mask, sure = blended(kinds, volume, -5.0, tuple(size), overlap)
    shares = at_once(volume, -5.0, tuple(size), overlap)
    top = shares.topk(2, 0).values / shares.sum(0)
    clear = top[0] - top[1] > 1e-5
    assert mask.dtype == torch.uint8 and torch.equal(mask[clear], shares.argmax(0)[clear].to(torch.uint8))
    assert sure == pytest.approx(float(top[0].mean()), abs=1e-5)


LARGE = """
import json, re, sys
import nibabel, numpy as np, torch
from deepglass.bundle import Bundle
from deepglass.tasks.kinds.volume import VolumeFacts
from deepglass.tasks.segment import SegmentFacts, SegmentSettings
from deepglass.views.mask import unrolled

class Bright(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.place = torch.nn.Parameter(torch.zeros(1))

    def forward(self, volume):
        return torch.cat([-volume, volume], 1)

def most():  # not of getrusage, which counts what the process that started this one had
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

torch.set_num_threads(1)
side, file = 256, sys.argv[1]
values = np.zeros((side, side, side), np.int16)
values[100:140, 100:150, 90:120] = 1000
nibabel.Nifti1Image(values, np.diag((-1, -1, 1, 1))).to_filename(file)
inputs = VolumeFacts(depth=64, height=64, width=64, hounsfield=True, window=(0, 1000), mean=(500.0,), std=(500.0,))
facts = SegmentFacts(classes=("background", "bone"), inputs=inputs)
task = SegmentSettings(overlap=0.0).build(facts)
bundle = Bundle({"model": {"name": "bright"}, "task": {"name": "segment"}}, Bright(), task)
warm = file.replace("large", "small")
nibabel.Nifti1Image(values[:64, :64, :64], np.diag((-1, -1, 1, 1))).to_filename(warm)
bundle.predict([warm])
before = most()
(answer,) = bundle.predict([file])
after = most()
print(json.dumps({"before": before * 1024, "grown": (after - before) * 1024, "millilitres": answer["millilitres"]}))
"""


def test_a_whole_ct_of_512_x_512_x_400_takes_less_than_2_gb(tmp_path):
    """By what one of 256 x 256 x 256 takes, whose 34 MB lie on the disk and are mapped."""
    ran = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path / "large.nii")], capture_output=True, text=True, check=True
    )
    told = json.loads(ran.stdout)
    assert told["millilitres"]["bone"] == pytest.approx(40 * 50 * 30 / 1000)
    a_place = told["grown"] / 256**3
    assert a_place < 12, told  # of bytes; half floats, the mask and the mapped file are 5
    assert told["before"] + a_place * 512 * 512 * 400 < 2e9, told
