"""An installation that runs only as long as one command does."""

import asyncio
import concurrent.futures
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, Self, TypeVar

from clearstack_embedded.errors import InstallationError
from clearstack_embedded.installation import Installation
from clearstack_embedded.settings import InstallationConfig

from clearstack_cli.errors import CliError
from clearstack_cli.output import console, note

T = TypeVar("T")
_ENDS = (signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def own_installation(data: Path, *, stderr: bool = True) -> Iterator[str]:
    """Starts everything on `data` for the block and stops it afterwards, however the block ends.

    Yields:
        The endpoint.

    Raises:
        CliError: It cannot be started.
    """
    listener = _Listener()
    installation = Installation(InstallationConfig(data=data), on_event=listener)
    with _ends_as_exit(), _Loop() as loop:
        try:
            with console(stderr=stderr).status("Starting Clearstack …") as status:
                listener.tell = lambda name, text: status.update(f"Starting Clearstack … {name}: {text}")
                loop.run(installation.start())
            # From here on only what is out of the ordinary is reported.
            listener.tell = lambda name, text: note(f"{name}: {text}")
            yield installation.endpoint
        except InstallationError as error:
            raise CliError(str(error)) from error
        finally:
            listener.tell = _silent
            with _undisturbed(), console(stderr=stderr).status("Stopping Clearstack …"):
                loop.run(installation.stop())


def _silent(name: str, text: str) -> None:
    del name, text


class _Listener:
    """Passes on what the supervisor reports, to whoever shows it at the moment."""

    def __init__(self) -> None:
        self.tell: Callable[[str, str], None] = _silent

    def __call__(self, name: str, text: str) -> None:
        self.tell(name, text)


class _Loop:
    """An asyncio loop on a thread of its own, so that plain code can use what is asynchronous."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="installation", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; if the wait for it is interrupted, it is cancelled and waited for."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            with contextlib.suppress(Exception, concurrent.futures.CancelledError):
                self._settled()
            raise

    def _settled(self) -> None:
        """Waits until cancelled work has cleaned up after itself."""

        async def others() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.wait(tasks, timeout=10) if tasks else None

        asyncio.run_coroutine_threadsafe(others(), self._loop).result()


@contextlib.contextmanager
def _ends_as_exit() -> Iterator[None]:
    """SIGTERM and the terminal's end unwind the program like Ctrl-C does, instead of killing it at once."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        raise SystemExit(128 + number)

    with _handlers(dict.fromkeys(_ENDS, leave)):
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
