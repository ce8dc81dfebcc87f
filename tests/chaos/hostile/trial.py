"""Tries hostile TIFFs on the validation that every upload goes through, and says how each ended and what it took."""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chaos.hostile.case import Case
from clearstack_stacks.confinement import confine
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.info import StackInfo
from clearstack_stacks.limits import Limits
from clearstack_stacks.reading import StackReader
from clearstack_stacks.sandbox import allowance, answered
from clearstack_stacks.validate import verdict_on

# What the gateway allows by default.
_TIMEOUT_S = 900
_MEMORY_BYTES = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one file ended.

    Attributes:
        case: its name.
        reason: of the refusal; empty = accepted.
        message: of the refusal, or what is wrong with having accepted it.
        must_be_refused: whether accepting it was a mistake.
        is_readable: of an accepted file: every slice can be read, and has the shape that was told.
        cpu_s: processor time of the child.
        wall_s: from start to end of the child.
        peak_bytes: memory of the child, libraries included.
    """

    case: str
    reason: str
    message: str
    must_be_refused: bool
    is_readable: bool
    cpu_s: float
    wall_s: float
    peak_bytes: int


def try_all(cases: Sequence[Case], folder: Path, num_workers: int) -> Iterator[Outcome]:
    """The outcomes of `cases`, in their order; each is built and tried in processes of its own, so that usage is its own."""
    paths = [folder / f"{number}.tif" for number in range(len(cases))]
    with ThreadPoolExecutor(num_workers) as pool:
        yield from pool.map(_apart, cases, paths)


def _apart(case: Case, path: Path) -> Outcome:
    """Build a case in one process and try it in another: the memory of the first would count for the second."""
    context = multiprocessing.get_context("fork")  # cases are made of functions, which can't be sent
    builder = context.Process(target=lambda: path.write_bytes(case.build()))
    builder.start()
    builder.join()
    allowed = allowance(path.stat().st_size, _TIMEOUT_S, _MEMORY_BYTES)
    with tempfile.TemporaryFile() as output:
        start = time.monotonic()
        child = os.fork()
        if not child:
            _validate(path, output.fileno(), *allowed)
        _, status, usage = os.wait4(child, 0)
        wall_s = time.monotonic() - start
        output.seek(0)
        info, reason, message = _verdict(os.waitstatus_to_exitcode(status), output.read(), allowed[0])
    if info:
        message = _flaw(path, info)
    path.unlink()
    return Outcome(
        case=str(case),
        reason=reason,
        message=message,
        must_be_refused=case.must_be_refused,
        is_readable=bool(info) and not message,
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=wall_s,
        peak_bytes=usage.ru_maxrss * 1024,
    )


def _validate(path: Path, output: int, cpu_s: float, memory_bytes: int) -> NoReturn:
    """What the child of the gateway does, without the half second that Python takes to start. Ends this process."""
    status = 1
    try:
        confine(memory_bytes=memory_bytes, cpu_s=cpu_s, file_bytes=1 << 20)
        os.write(output, json.dumps(verdict_on(path, Limits()), allow_nan=False).encode())
        status = 0
    finally:
        os._exit(status)


def _verdict(status: int, output: bytes, cpu_s: float) -> tuple[StackInfo | None, str, str]:
    """Info, reason and message."""
    try:
        return answered(status, output, cpu_s), "", ""
    except StackRefused as refused:
        return None, refused.reason, refused.message


def _flaw(path: Path, info: StackInfo) -> str:
    """What keeps an accepted file from being used; empty = nothing."""
    try:
        with StackReader(path) as reader:
            if reader.shape_ZYX != (info.num_slices, info.height, info.width):
                return f"it has the shape {reader.shape_ZYX}, not that of {info}"
            for z in range(reader.num_slices):
                reader.read_slice(z)
    except Exception as error:  # any at all is a finding
        return f"reading it raises {error!r}"
    return ""
