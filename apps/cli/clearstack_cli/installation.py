"""An installation that runs only as long as one command does: `clearstack up` as a child process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn, Self

from clearstack_embedded import guard

from clearstack_cli.errors import CliError
from clearstack_cli.output import console, note

_ENDS = (signal.SIGTERM, signal.SIGHUP)
# A little more than an installation takes when it is in no hurry.
_STOP_TIMEOUT_S = 20.0
_ERROR = "error: "
_FOR_OTHERS = ("CLEARSTACK_TLS_", "CLEARSTACK_TOKENS_FILE", "CLEARSTACK_OIDC_", "CLEARSTACK_INSECURE")


def up_command(data: Path) -> tuple[str, ...]:
    """Starts an installation, without the page, that says on stdout, as a line of JSON, when it is ready."""
    return (sys.executable, "-m", "clearstack_cli", "up", "--json", "--no-web", "--data", str(data))


@contextlib.contextmanager
def own_installation(
    data: Path, *, stderr: bool = True, command: Callable[[Path], tuple[str, ...]] = up_command
) -> Iterator[str]:
    """Starts everything on `data` for the block and stops it afterwards, however the block ends.

    Args:
        data: The installation's folder.
        stderr: Where progress is shown; stdout otherwise.
        command: Makes the command line that starts it.

    Yields:
        The endpoint.

    Raises:
        CliError: It cannot be started.
    """
    with _ends_as_exit(), _Child(command(data)) as child:
        try:
            with console(stderr=stderr).status("Starting Clearstack …") as status:
                child.on_line = lambda line: status.update(f"Starting Clearstack … {line}")
                endpoint = child.endpoint()
            # From here on only what is out of the ordinary is reported.
            child.on_line = note
            yield endpoint
        finally:
            child.on_line = _ignore
            with _undisturbed(), console(stderr=stderr).status("Stopping Clearstack …"):
                child.stop()


def _ignore(line: str) -> None:
    del line


class _Child:
    """The process, and a thread that reads what it says."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self.on_line: Callable[[str], None] = _ignore
        self._errors: list[str] = []
        # In a session of its own, so that Ctrl-C reaches only us, and we can end things in order.
        self._process = subprocess.Popen(
            _guarded(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=_private(os.environ),
        )
        self._stdout, self._stderr = _pipe(self._process.stdout), _pipe(self._process.stderr)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stdout.close()
        self._stderr.close()

    def endpoint(self) -> str:
        """Waits until the installation is ready.

        Raises:
            CliError: It ended instead.
        """
        line = self._stdout.readline()
        if not line:
            self._reader.join()
            raise CliError("\n".join(self._errors) or "The installation ended before it was ready.")
        return str(json.loads(line)["endpoint"])

    def stop(self) -> None:
        """Ends the process in order; if it takes too long, at once."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        for line in self._stderr:
            if self._errors or line.startswith(_ERROR):
                self._errors.append(line.rstrip().removeprefix(_ERROR))
            else:
                self.on_line(line.rstrip())


def _private(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what lets other machines in, and asks them who they are: this installation is ours alone."""
    return {name: value for name, value in environment.items() if not name.startswith(_FOR_OTHERS)}


def _guarded(command: tuple[str, ...]) -> tuple[str, ...]:
    """The same, dying with us even if we are killed."""
    if sys.platform != "linux":
        return command
    return (sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *command)


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - we asked for it
    return stream


@contextlib.contextmanager
def _ends_as_exit() -> Iterator[None]:
    """SIGTERM and the terminal's end unwind the program like Ctrl-C does, instead of killing it at once."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        raise SystemExit(128 + number)

    # What is ignored stays so: that is how `nohup` lets a command outlive its terminal.
    heard = [each for each in _ENDS if signal.getsignal(each) is not signal.SIG_IGN]
    with _handlers(dict.fromkeys(heard, leave)):
        yield


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of the processes behind."""
    with _handlers(dict.fromkeys((signal.SIGINT, *_ENDS), signal.SIG_IGN)):
        yield


@contextlib.contextmanager
def _handlers(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
