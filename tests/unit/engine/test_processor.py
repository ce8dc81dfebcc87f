from __future__ import annotations

import resource
import subprocess
import sys

import pytest

_THREADS = """
import sys, torch
from clearstack_engine import processor
processor.prepare(int(sys.argv[1]))
print(torch.get_num_threads())
"""
# Memory that comes and goes; prints how many pages the system has had to clear for it.
_COME_AND_GO = """
import resource, sys, torch
from clearstack_engine import processor
if sys.argv[1] == "prepared":
    processor.prepare(1)
for _ in range(20):
    torch.empty(32 << 20, dtype=torch.uint8).fill_(1)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.empty(32 << 20, dtype=torch.uint8).fill_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def printed(program: str, *words: str, **environment: str) -> int:
    """What a Python process of its own prints."""
    command = (sys.executable, "-c", program, *words)
    return int(subprocess.run(command, capture_output=True, check=True, env=environment or None).stdout)


@pytest.mark.parametrize("limit", ["1", "9"])
def test_no_more_threads_than_asked_for(limit: str) -> None:
    """A smaller number that a person has chosen stays."""
    assert printed(_THREADS, limit, OMP_NUM_THREADS="1") == 1


def test_no_more_threads_than_the_limit() -> None:
    """A container's limit counts, however many cores the machine has."""
    assert printed(_THREADS, "1", OMP_NUM_THREADS="2") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="the C library is another one")
def test_memory_is_kept_between_uses() -> None:
    """Blocks that come and go are not cleared by the system each time."""
    num_pages = (32 << 20) // resource.getpagesize()
    assert printed(_COME_AND_GO, "prepared") < num_pages
    assert printed(_COME_AND_GO, "as it is") > 10 * num_pages
