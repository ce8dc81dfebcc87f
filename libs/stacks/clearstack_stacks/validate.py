"""Validates one file in a process of its own: `python -m clearstack_stacks.validate PATH`.

Prints one line of JSON: {"info": {...}} or {"refused": {"reason": ..., "message": ...}}.
"""

# ruff: noqa: PLC0415 - what is large is imported when it is needed, under the limits of the process

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from clearstack_stacks.claims import check_claims
from clearstack_stacks.confinement import confine
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.limits import Limits
from clearstack_stacks.refusals import too_much_memory

_LARGEST_VERDICT_BYTES: Final = 1 << 20


def main(arguments: list[str] | None = None) -> int:
    """Validate, print, and return the exit status: 0 whatever the verdict."""
    options = _parse(arguments)
    if options.memory_bytes is not None and options.cpu_s is not None:
        confine(memory_bytes=options.memory_bytes, cpu_s=options.cpu_s, file_bytes=_LARGEST_VERDICT_BYTES)
    verdict = verdict_on(Path(options.path), Limits.from_json(json.loads(options.limits)))
    sys.stdout.write(json.dumps(verdict, allow_nan=False) + "\n")
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="clearstack_stacks.validate", description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--limits", default="{}", help="JSON object of limits that differ from the defaults")
    parser.add_argument("--memory-bytes", type=int, help="memory of its own of this process")
    parser.add_argument("--cpu-s", type=float, help="processor time of this process")
    return parser.parse_args(arguments)


def verdict_on(path: Path, limits: Limits) -> dict[str, Any]:
    """The validation's outcome as JSON."""
    try:
        check_claims(path, limits)
        return {"info": _measured(path, limits)}
    except StackRefused as refused:
        return _refused(refused)
    except MemoryError:
        return _refused(too_much_memory())


def _measured(path: Path, limits: Limits) -> dict[str, Any]:
    """The info as JSON; only here the numeric libraries are loaded, which takes most of the time of a small file."""
    from clearstack_stacks.validation import measure_tiff

    return measure_tiff(path, limits).to_json()


def _refused(refused: StackRefused) -> dict[str, Any]:
    """A refusal as JSON."""
    return {"refused": {"reason": refused.reason, "message": refused.message}}


if __name__ == "__main__":
    sys.exit(main())
