"""The state file: what runs, for other processes of the same person to read. It holds no secrets."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from clearstack_embedded.child import Child
from clearstack_embedded.folder import write_private
from clearstack_embedded.health import ProbeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """One process; `pid` is None while it waits for its restart."""

    name: str
    pid: int | None
    started_at: float | None
    probe: ProbeKind
    address: str
    version: str

    @classmethod
    def of(cls, child: Child) -> "ProcessState":
        """The child as it is now."""
        return cls(
            name=child.spec.name,
            pid=child.pid,
            started_at=child.started_at,
            probe=child.spec.probe,
            address=child.spec.address,
            version=child.spec.version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationState:
    """The whole installation; `ready` once everything has been healthy, `page` its address in a browser if it has one."""

    pid: int
    endpoint: str
    nats_url: str
    s3_url: str
    page: str = ""
    ready: bool = False
    processes: tuple[ProcessState, ...] = field(default=())


def write_state(path: Path, state: InstallationState) -> None:
    """Put the state in its place in one step."""
    write_private(path, json.dumps(asdict(state), indent=2) + "\n")


def read_state(path: Path) -> InstallationState | None:
    """The state in `path`; None if there is none (or none that this version understands)."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        processes = tuple(ProcessState(**each) for each in fields.pop("processes"))
        return InstallationState(**fields, processes=processes)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
