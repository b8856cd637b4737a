"""Freed memory stays with the process: a tensor made again costs no page faults."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from deepglass.foundation.memory import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    print(-1)
    raise SystemExit
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.empty(1 << 24).fill_(1)
before = faults()
for _ in range(8):
    torch.empty(1 << 24).fill_(1)
print(faults() - before)
"""


def faults(how):
    return int(subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_a_tensor_made_again_is_in_memory_already():
    kept = faults("kept")
    if kept < 0:
        pytest.skip("another C library")
    assert kept < 2000 < faults("given back")  # of eight tensors of 16,384 pages each


GROWS = """
import random, sys, torch
from deepglass.foundation import memory
heap = memory.Heap()
if not heap.kept:
    print(-1)
    raise SystemExit
memory.SHARE, heap.limit = 1, 300 << 20
random.seed(0)
alive, most = [], 0
for step in range(400):
    alive = [torch.ones(random.randrange(1 << 18, 1 << 22)) for _ in range(4)] + [torch.ones(random.randrange(99))]
    if sys.argv[1] == "tidied":
        heap.tidy(step)
    most = max(most, memory.held())
before, _ = memory.held(), alive.clear()
heap.limit = 1 << 20
heap.tidy(400)
print(most, before, memory.held(), heap.limit)
"""


def test_what_is_kept_is_given_back_where_it_grows_beyond_what_was_needed():
    told = subprocess.run([sys.executable, "-c", GROWS, "tidied"], capture_output=True, text=True, check=True).stdout
    if told.strip() == "-1":
        pytest.skip("another C library")
    most, before, after, limit = map(int, told.split())
    assert after < before <= most and limit >= 2 * after - (1 << 24)
