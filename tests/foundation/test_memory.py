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
