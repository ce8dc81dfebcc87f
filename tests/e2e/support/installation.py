"""A real installation: `clearstack up` as a process of its own, with ways to disturb it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from contract.suspension import suspended
from e2e.support.waiting import until

CLEARSTACK = str(Path(sys.executable).with_name("clearstack"))
_START_S = 120.0
_STOP_S = 30.0


def clean_environment() -> dict[str, str]:
    """The environment without anything that names another installation.

    One thread for each computation: threads that wait for each other make tiny networks slow on a busy machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEARSTACK_")}
    return kept | {"OMP_NUM_THREADS": "1"}


@dataclass(slots=True, kw_only=True)
class RunningInstallation:
    """What `clearstack up` has started.

    Attributes:
        data: Its folder.
        options: Further options of `up`.
        environment: Settings of the services beside those of `up`.
        endpoint: The gateway's host:port, once started.
    """

    data: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    endpoint: str = ""
    _process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> float:
        """Starts it and waits until it is ready; returns the seconds that this took."""
        began = time.monotonic()
        self.data.mkdir(parents=True, exist_ok=True)
        command = (CLEARSTACK, "up", "--json", "--data", str(self.data), *self.options)
        with self.report.open("a") as report:
            self._process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=report,
                text=True,
                env=clean_environment() | self.environment,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the installation did not start: {self.report.read_text()}"
        self.endpoint = json.loads(line)["endpoint"]
        return time.monotonic() - began

    def stop(self) -> float:
        """SIGTERM; returns the seconds until the end."""
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        self._process.communicate(timeout=_STOP_S)
        return time.monotonic() - began

    @property
    def report(self) -> Path:
        """What the supervisor has said."""
        return self.data.parent / f"{self.data.name}-up.log"

    @property
    def exit_code(self) -> int | None:
        """Of `up`, once it has ended."""
        return self._process.returncode if self._process else None

    def last_lines(self, num_lines: int = 8) -> str:
        """The end of each log, for whoever has to find out why something did not happen."""
        ends = [
            f"{path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-num_lines:])
            for path in (self.report, *sorted((self.data / "logs").glob("*.log")))
            if path.exists()
        ]
        return "\n\n".join(ends)

    def status(self) -> list[dict[str, Any]]:
        """What `clearstack status --json` says of the processes."""
        command = (CLEARSTACK, "status", "--json", "--data", str(self.data))
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
        processes: list[dict[str, Any]] = json.loads(done.stdout)["processes"]
        return processes

    def addresses(self) -> dict[str, str]:
        """Each process's host:port."""
        return {each["name"]: each["address"] for each in self._state()}

    def pid(self, name: str) -> int | None:
        """The process called `name`; None while it is being restarted."""
        pid: int | None = next(each["pid"] for each in self._state() if each["name"] == name)
        return pid

    def kill(self, name: str) -> int:
        """Ends a process with SIGKILL; returns its id."""
        pid = until(lambda: self.pid(name), 30, f"{name} runs")
        os.kill(pid, signal.SIGKILL)
        return pid

    def cut_power(self) -> None:
        """Ends everything at once with SIGKILL, as when the power goes; what the kernel has in memory is not lost."""
        assert self._process is not None
        children = self.processes()
        self._process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        self._process.communicate(timeout=_STOP_S)
        until(lambda: not self.processes(), _STOP_S, "every process has ended")

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """Ends a process with SIGKILL and keeps the supervisor from starting it again, for the block."""
        assert self._process is not None
        with suspended(self._process.pid):
            self.kill(name)
            yield

    def until_restarted(self, name: str, old_pid: int, within_s: float = 60) -> None:
        """Waits until the process called `name` is another one, and healthy."""

        def is_back() -> bool:
            found = next(each for each in self.status() if each["name"] == name)
            return bool(found["healthy"]) and found["pid"] != old_pid

        until(is_back, within_s, f"{name} is back")

    def computing(self) -> list[psutil.Process]:
        """The processes that train networks right now."""
        return [process for process in self.processes() if "clearstack_trainer.compute" in _command(process)]

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this folder, whoever has started it."""
        return [process for process in psutil.process_iter() if self._is_mine(process)]

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            mark = process.environ().get("CLEARSTACK_INSTALLATION", "")
            return mark.endswith(f":{self.data.resolve()}") and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False

    def _state(self) -> list[dict[str, Any]]:
        processes: list[dict[str, Any]] = json.loads((self.data / "installation.json").read_text())[
            "processes"
        ]
        return processes


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
