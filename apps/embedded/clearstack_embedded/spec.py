"""What the supervisor has to know about a process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clearstack_embedded.health import ProbeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """How one process is started, asked for its health and stopped.

    Attributes:
        name: Unique in the installation; also the name of its log.
        command: An absolute path and its arguments; no secrets, since everyone can read them.
        environment: The whole environment of the process; secrets are kept out of the repr.
        probe: How its health is asked for.
        address: "host:port" where it listens.
        log: The file that its output is appended to.
        is_ready: Asked at each start once the probe is content, if that does not say everything.
        version: What `clearstack status` shows where the process does not say it itself.
        working_folder: Where it is started; where the supervisor is, if None.
        start_timeout_s: How long it may take until it is healthy.
        stop_timeout_s: How long it may take to end after SIGTERM.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    probe: ProbeKind
    address: str
    log: Path
    is_ready: Callable[[], bool] | None = None
    version: str = ""
    working_folder: Path | None = None
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 4.0
