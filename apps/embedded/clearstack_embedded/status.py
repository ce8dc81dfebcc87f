"""Looking at an installation from another process."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from clearstack_embedded import health
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.lock import is_held
from clearstack_embedded.state import InstallationState, ProcessState, read_state

# The kernel's clock may be corrected between two looks at one process; a number is not reused that quickly.
_SAME_START_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One process as found now; `detail` says what is wrong with it, or where it listens."""

    name: str
    pid: int | None
    healthy: bool
    version: str
    detail: str


def running_endpoint(data: Path) -> str | None:
    """The gateway's "host:port" if an installation on `data` runs and has been ready; else None."""
    state = _live_state(DataFolder(data))
    return state.endpoint if state and state.ready else None


def read_status(data: Path) -> list[ProcessStatus]:
    """Every process of the installation on `data`, asked for its health; empty if none runs there."""
    state = _live_state(DataFolder(data))
    if state is None or not state.processes:
        return []
    with ThreadPoolExecutor(max_workers=len(state.processes)) as pool:
        return list(pool.map(_status, state.processes))


def _live_state(folder: DataFolder) -> InstallationState | None:
    # A state file whose writer was killed says nothing: only the lock tells that the supervisor lives.
    return read_state(folder.state) if is_held(folder.lock) else None


def _status(process: ProcessState) -> ProcessStatus:
    answer = _health(process)
    return ProcessStatus(
        name=process.name,
        pid=process.pid,
        healthy=answer.healthy,
        version=answer.version or process.version,
        detail=answer.detail or f"listens on {process.address}",
    )


def _health(process: ProcessState) -> health.Health:
    if not _is_alive(process):
        return health.Health(healthy=False, answered=False, detail="is not running")
    if process.pid is None or not health.listens(process.pid, process.address):
        return health.Health(healthy=False, answered=False, detail=f"does not listen on {process.address}")
    return health.check(process.probe, process.address)


def _is_alive(process: ProcessState) -> bool:
    if process.pid is None or process.started_at is None:
        return False
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started_at) < _SAME_START_S
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
