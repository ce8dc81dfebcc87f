"""Where an installation keeps its things, and how small private files are written."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clearstack_embedded.errors import InstallationError


def data_folder(explicit: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """The installation's folder: `explicit`, else $CLEARSTACK_DATA, else the user's data folder."""
    environment = os.environ if environment is None else environment
    if explicit is not None:
        return explicit.expanduser().absolute()
    if chosen := environment.get("CLEARSTACK_DATA"):
        return Path(chosen).expanduser().absolute()
    # The XDG rules say that a relative path there counts as not set.
    shared = Path(environment.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else Path.home() / ".local" / "share") / "clearstack"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The names of everything inside one installation's folder."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / "lock"

    @property
    def state(self) -> Path:
        """Who runs here and where; present only while a supervisor lives (or after it was killed)."""
        return self.root / "installation.json"

    @property
    def secrets(self) -> Path:
        """The keys of the broker and the store."""
        return self.root / "secrets.json"

    @property
    def ports(self) -> Path:
        """The ports used last, so that the next start can use them again."""
        return self.root / "ports.json"

    @property
    def metrics(self) -> Path:
        """Where the services' pages of figures are, as Prometheus reads it (`file_sd_configs`)."""
        return self.root / "metrics.json"

    @property
    def broker(self) -> Path:
        """The broker's configuration and streams."""
        return self.root / "broker"

    @property
    def store(self) -> Path:
        """The object store's volumes."""
        return self.root / "store"

    @property
    def certificates(self) -> Path:
        """By which the broker and the store are known to the services; new at each start."""
        return self.root / "certificates"

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.root / "logs"

    def log(self, name: str) -> Path:
        """The log file of the process called `name`."""
        return self.logs / f"{name}.log"

    def scratch(self, name: str) -> Path:
        """The working folder of the service called `name`."""
        return self.root / "scratch" / name

    def create(self) -> None:
        """Make the folders, readable by their owner only.

        Raises:
            InstallationError: The place cannot be written.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.broker, self.store, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise InstallationError(
                f"The data folder {self.root} cannot be made: {error.strerror}. "
                "Choose another one with --data or CLEARSTACK_DATA, or mend its permissions."
            ) from error


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` in one step; only the owner can read it (0600)."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
