"""Checks models of strangers in a child process, so that no file can hang, bloat or end the service."""

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from clearstack.v1 import error_reason_pb2
from clearstack_common.errors import ClearstackError, reason_from_name
from clearstack_engine.model.archive import ModelDescription

from clearstack_inference.check_model import VERDICT

log = structlog.get_logger()

_LARGEST_VERDICT_BYTES = 64 << 20
_THREAD_POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A model that was found to be one.

    Attributes:
        description: what its files say of it.
        notes: what a person should know.
        folder: `stage1/…`, `stage2/…`, `mask/mask.npy`; written anew, nothing in it is the stranger's own file.
    """

    description: ModelDescription
    notes: list[str]
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Limits of the child process.

    Attributes:
        timeout_s: wall clock and processor time, each.
        memory_bytes: memory of its own.
    """

    timeout_s: float
    memory_bytes: int

    async def check(self, folder: Path) -> Checked:
        """Checks the model in `folder/files`.

        Raises:
            ClearstackError: MODEL_MISMATCH or MODEL_UNREADABLE, with a text that names what is wrong.
        """
        status = await self._run(folder)
        verdict = _read(folder / VERDICT)
        if verdict is None:
            raise _unreadable(f"checking it ended the program that tried (status {status})")
        if not verdict["confined"]:
            log.warning("this platform can't refuse sockets and programs to the check of a stranger's model")
        if "refused" in verdict:
            refused = verdict["refused"]
            raise ClearstackError(refused["message"], reason=reason_from_name(refused["reason"]))
        fields = dict(verdict["description"], format_version=1)
        return Checked(
            description=ModelDescription.from_fields(fields), notes=verdict["notes"], folder=folder / "model"
        )

    async def _run(self, folder: Path) -> int:
        command = [sys.executable, "-P", "-m", "clearstack_inference.check_model", str(folder)]
        command += ["--memory-bytes", str(self.memory_bytes), "--cpu-s", str(self.timeout_s)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(self.timeout_s):
                return await process.wait()
        except TimeoutError:
            raise _unreadable(f"checking it took more than {self.timeout_s:g} seconds") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


def _environment() -> dict[str, str]:
    """What the child needs, without the service's secrets and without a GPU."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARSTACK_")}
    return {**kept, **dict.fromkeys(_THREAD_POOLS, "1"), "MALLOC_ARENA_MAX": "2", "CUDA_VISIBLE_DEVICES": ""}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > _LARGEST_VERDICT_BYTES:
            return None
        verdict: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return verdict


def _unreadable(why: str) -> ClearstackError:
    return ClearstackError(
        f"The model can't be read: {why}. It may be damaged, or too large for this installation.",
        reason=error_reason_pb2.ERROR_REASON_MODEL_UNREADABLE,
    )
