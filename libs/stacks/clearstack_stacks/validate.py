"""Validates one file in a process of its own: `python -m clearstack_stacks.validate PATH`.

Prints one line of JSON: {"info": {...}} or {"refused": {"reason": ..., "message": ...}}.
"""

# ruff: noqa: PLC0415 - the limits of the process are set before anything large is imported

from __future__ import annotations

import argparse
import json
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clearstack_stacks.errors import StackRefused


def main(arguments: list[str] | None = None) -> int:
    """Validate, print, and return the exit status: 0 whatever the verdict."""
    options = _parse(arguments)
    # Before numpy and tifffile are loaded: their threads reserve memory, too.
    _limit_process(options.memory_bytes, options.cpu_s)
    sys.stdout.write(json.dumps(_verdict(options.path, json.loads(options.limits)), allow_nan=False) + "\n")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="clearstack_stacks.validate", description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--limits", default="{}", help="JSON object of limits that differ from the defaults")
    parser.add_argument("--memory-bytes", type=int, help="address space of this process")
    parser.add_argument("--cpu-s", type=float, help="processor time of this process")
    return parser.parse_args(arguments)


def _verdict(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """The validation's outcome as JSON."""
    from clearstack_stacks.errors import StackRefused
    from clearstack_stacks.limits import Limits
    from clearstack_stacks.tiff import too_much_memory
    from clearstack_stacks.validation import inspect_tiff

    try:
        return {"info": inspect_tiff(path, Limits.from_json(limits)).to_json()}
    except StackRefused as refused:
        return _refused(refused)
    except MemoryError:
        return _refused(too_much_memory())


def _refused(refused: StackRefused) -> dict[str, Any]:
    """A refusal as JSON."""
    return {"refused": {"reason": refused.reason, "message": refused.message}}


def _limit_process(memory_bytes: int | None, cpu_s: float | None) -> None:
    """Let the kernel end this process when it takes too much; where the platform can't, the wall clock must do."""
    try:
        import resource
    except ImportError:
        return
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if cpu_s is not None:
        seconds = math.ceil(cpu_s)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


if __name__ == "__main__":
    sys.exit(main())
