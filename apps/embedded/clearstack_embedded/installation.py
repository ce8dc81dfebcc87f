"""The whole installation on one machine: `Installation.start`, `run_until_stopped`, `stop`."""

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace

from clearstack_common.permissions import GATEWAY

from clearstack_embedded import journal, leftovers
from clearstack_embedded.errors import ChildError, InstallationError
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.keeper import start_keeper, stop_keeper
from clearstack_embedded.lock import FolderLock
from clearstack_embedded.ports import DEFAULT_PORT
from clearstack_embedded.servers import remove_sockets, servers
from clearstack_embedded.services import services
from clearstack_embedded.settings import InstallationConfig
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.state import InstallationState, ProcessState, read_state, write_state
from clearstack_embedded.supervisor import Report, Supervisor
from clearstack_embedded.wiring import Wiring, wire

__all__ = ["Installation", "InstallationConfig", "InstallationError"]

Tier = Callable[[Wiring], Sequence[ProcessSpec]]


class Installation:
    """Broker, store and services as child processes of this one.

    Args:
        config: What to run and where.
        on_event: Told of progress and restarts as (process name, sentence).
        tiers: Makers of the processes, started one after another; the real ones unless a test brings its own.

    `start` must run on the main thread: on Linux the children die with the thread that started them. From `start` to
    `stop`, Ctrl-C, SIGTERM and SIGHUP are taken as the wish to stop, heard by `start` and by `run_until_stopped`.
    """

    def __init__(
        self,
        config: InstallationConfig,
        *,
        on_event: Report = lambda _name, _text: None,
        tiers: Sequence[Tier] = (servers, services),
    ) -> None:
        self._config = config
        self._on_event = on_event
        self._tiers = tiers
        self._folder = DataFolder(config.data.absolute())
        self._lock = FolderLock(self._folder.lock)
        self._run = uuid.uuid4().hex
        self._exits = contextlib.AsyncExitStack()
        self._supervisor = Supervisor(report=self._report, changed=self._save)
        self._journal: journal.Journal | None = None
        self._state: InstallationState | None = None
        self._is_ready = False
        self._asked_to_stop = asyncio.Event()

    @property
    def endpoint(self) -> str:
        """The gateway's "127.0.0.1:PORT", once started."""
        if self._state is None:
            raise InstallationError("The installation has not been started; call start() first.")
        return self._state.endpoint

    @property
    def page(self) -> str:
        """The page's address in a browser on this machine, once started; empty without one."""
        return self._state.page if self._state else ""

    async def start(self) -> None:
        """Start everything; returns when all processes are healthy. What was started is stopped on failure.

        Raises:
            InstallationError: It cannot be started; the message says what to do.
        """
        self._claim()
        try:
            await self._unless_asked_to_stop(self._start())
        except ChildError as error:
            await self.stop()
            raise InstallationError(
                f"The installation could not start: {error}. More is in the logs in {self._folder.logs}."
            ) from None
        except BaseException:
            await self.stop()
            raise

    async def run_until_stopped(self) -> None:
        """Keep everything running until Ctrl-C, SIGTERM or the terminal's end, then stop it."""
        try:
            await self._asked_to_stop.wait()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Stop everything: services first, then broker and store. No process is left, and the data is whole."""
        await self._exits.aclose()

    async def _unless_asked_to_stop(self, starting: Coroutine[None, None, None]) -> None:
        start, asked = asyncio.create_task(starting), asyncio.create_task(self._asked_to_stop.wait())
        try:
            await asyncio.wait((start, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
            if interrupted := start.cancel():
                await asyncio.wait((start,))
        if interrupted:
            raise InstallationError("The installation was asked to stop before it was ready; nothing runs.")
        start.result()

    async def _start(self) -> None:
        # Each step's undoing is pushed when it is done; `stop` unwinds them in reverse.
        self._listen_to_signals()
        self._open_journal()
        if count := leftovers.end_leftovers(self._folder.root):
            self._report(journal.NAME, f"ended {count} processes that an earlier run had left")
        wiring = wire(self._config, self._folder, leftovers.mark(self._folder.root, self._run))
        self._tell_port(wiring)
        self._state = InstallationState(
            pid=os.getpid(),
            endpoint=wiring.endpoint,
            nats_url=wiring.nats_url,
            s3_url=f"http://{wiring.s3_address}",
            page=wiring.page,
        )
        self._exits.callback(wiring.ports.close)
        self._exits.callback(remove_sockets, wiring.ports)
        self._exits.callback(self._folder.state.unlink, missing_ok=True)
        self._exits.push_async_callback(stop_keeper, await start_keeper(self._folder.root, self._run))
        self._exits.push_async_callback(self._supervisor.stop)
        await self._start_tiers(wiring)

    async def _start_tiers(self, wiring: Wiring) -> None:
        self._save()
        for tier in self._tiers:
            specs = tier(wiring)
            wiring.ports.save()
            await self._supervisor.start_tier(specs)
        self._is_ready = True
        self._save()

    def _claim(self) -> None:
        self._folder.create()
        if not self._lock.acquire():
            state = read_state(self._folder.state)
            where = f"at {state.endpoint}, process {state.pid}" if state else "and is just being started"
            raise InstallationError(
                f"An installation on {self._folder.root} is already running ({where}). "
                "Use that one, stop it first (Ctrl-C where it was started), or choose another folder with --data."
            )
        self._exits.callback(self._lock.release)

    def _listen_to_signals(self) -> None:
        # From the beginning to the end, so that no moment is left in which Ctrl-C tears the supervisor down.
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(name) is signal.SIG_IGN:  # started by nohup, say: it is to be ignored
                continue
            loop.add_signal_handler(name, self._asked_to_stop.set)
            self._exits.callback(loop.remove_signal_handler, name)

    def _open_journal(self) -> None:
        journal.rotate(self._folder.logs)
        self._journal = journal.Journal(self._folder.log(journal.NAME), self._on_event)
        self._exits.callback(self._journal.close)

    def _tell_port(self, wiring: Wiring) -> None:
        if self._config.port is None and not wiring.endpoint.endswith(f":{DEFAULT_PORT}"):
            self._report(
                GATEWAY, f"port {DEFAULT_PORT} is in use by another program; using {wiring.endpoint} instead"
            )

    def _report(self, name: str, text: str) -> None:
        if self._journal is not None:
            self._journal.report(name, text)

    def _save(self) -> None:
        if self._state is None:
            return
        processes = tuple(ProcessState.of(child) for child in self._supervisor.children)
        self._state = replace(self._state, ready=self._is_ready, processes=processes)
        try:
            write_state(self._folder.state, self._state)
        except OSError as error:  # a full disk ends a status display, not the supervision
            self._report(journal.NAME, f"the state could not be written to {self._folder.state}: {error}")
