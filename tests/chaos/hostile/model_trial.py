"""Tries hostile models on the check that every import goes through, and says how each ended and what it took."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from chaos.hostile import bioimageio, configs, packages, pickles
from chaos.hostile.case import Case
from clearstack_inference.check_model import VERDICT, verdict_on
from clearstack_stacks import confinement

_CONFIG = {"features": 8, "num_layers": 2, "patch_size": 64}
_PLACES = {
    "package": "archive.zip",
    "bioimageio": "archive.zip",
    "mask": "archive.zip",
    "config": "config.json",
    "card": "config.json",
}
_WEIGHTS = "stage1/weights.pth"
# What no reading of a model does, by the names of Python's audit events.
_DEEDS = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.__new__", "socket.connect", "pty.spawn",
    "shutil.rmtree", "os.kill",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one model ended.

    Attributes:
        case: its name.
        reason: of the refusal; empty = accepted, or the process ended without a word.
        message: of the refusal.
        status: exit status of the process; negative = the signal that ended it.
        deeds: what the file made its reader do.
        cpu_s: processor time.
        peak_bytes: memory, libraries included.
    """

    case: str
    reason: str
    message: str
    status: int
    deeds: str
    cpu_s: float
    peak_bytes: int


def hostile_models() -> list[Case]:
    """The cases of all families."""
    return [*pickles.cases(), *configs.cases(), *packages.cases(), *bioimageio.cases()]


def try_models(cases: Sequence[Case], folder: Path, num_workers: int) -> Iterator[Outcome]:
    """The outcomes of `cases`, in their order."""
    torch.set_num_threads(1)
    verdict_on(folder / "none")  # imports what every trial needs, once
    with ThreadPoolExecutor(num_workers) as pool:
        yield from pool.map(_try, cases, [folder / str(number) for number in range(len(cases))])


def _try(case: Case, folder: Path) -> Outcome:
    """One case, in a process of its own."""
    files = folder / "files"
    (files / "stage1").mkdir(parents=True)
    (files / "config.json").write_text(json.dumps(_CONFIG))
    torch.save({"head.weight": torch.zeros(4, 4)}, files / _WEIGHTS)
    place = files / _PLACES.get(case.family, _WEIGHTS)
    if place.name == "archive.zip":
        (files / "config.json").unlink()
        (files / _WEIGHTS).unlink()
    place.write_bytes(case.build())
    child = os.fork()
    if not child:
        _check(folder)
    _, status, usage = os.wait4(child, 0)
    verdict: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        verdict = json.loads((folder / VERDICT).read_text())
    refused = verdict.get("refused", {"reason": "", "message": ""})
    deeds = [path.read_text() for path in (folder / "canary", folder / "deeds") if path.exists()]
    return Outcome(
        case=str(case),
        reason=refused["reason"],
        message=refused["message"],
        status=os.waitstatus_to_exitcode(status),
        deeds=" ".join(deed or "canary" for deed in deeds),
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,
    )


def _check(folder: Path) -> NoReturn:
    """What the child of the inference service does, but with sockets and programs within reach. Ends this process."""
    os.environ[pickles.CANARY] = str(folder / "canary")

    def watch(event: str, _: tuple[object, ...]) -> None:
        if event in _DEEDS:
            with (folder / "deeds").open("a") as file:
                file.write(f"{event} ")

    sys.addaudithook(watch)
    try:
        # Not `confine`: nothing may be run even where the kernel would let it.
        confinement.limit(memory_bytes=1 << 30, cpu_s=20, file_bytes=1 << 30)
        (folder / VERDICT).write_text(json.dumps(verdict_on(folder)))
    finally:
        os._exit(0)
