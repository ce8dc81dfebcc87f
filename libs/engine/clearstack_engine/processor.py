"""How the processor is used: threads, and memory that is taken again and again."""

from __future__ import annotations

import ctypes
import sys

import torch

# Parameters of mallopt, as in glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8


def prepare(max_threads: int) -> None:
    """To be called once, before anything is computed.

    Feature maps are large blocks of memory that come and go many times a second. As it is, the C library hands each of
    them back to the system and has the next one cleared anew. Here it keeps them, which makes denoising faster; see
    `give_back_memory`.

    Args:
        max_threads: a smaller number that is already set, by OMP_NUM_THREADS say, stays.
    """
    torch.set_num_threads(max(1, min(max_threads, torch.get_num_threads())))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            for parameter, value in (
                (_ARENA_MAX, 1),  # only the main arena can hold blocks of that size
                (_MMAP_THRESHOLD, 1 << 30),
                (_TRIM_THRESHOLD, (1 << 31) - 1),
                (_TOP_PAD, 64 << 20),
            ):
                libc.mallopt(parameter, value)


def gpu_memory_bytes() -> int:
    """What this process holds of the GPU's memory; 0 while it uses none."""
    return torch.cuda.memory_reserved() if torch.cuda.is_initialized() else 0  # type: ignore[no-untyped-call]


def give_back_memory() -> None:
    """Return what is not in use to the system: for the time between two pieces of work."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)
