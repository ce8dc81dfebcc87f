"""The frame of a worker service: connect, serve health, work until told to stop."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from clearstack_common.bus import NatsBus
from clearstack_common.draining import Draining
from clearstack_common.health import ServiceServer
from clearstack_common.log import configure_logging
from clearstack_common.objects import S3Store
from clearstack_common.readiness import Readiness
from clearstack_common.settings import ServiceSettings
from clearstack_common.tasks import ended
from clearstack_common.telemetry import open_telemetry
from clearstack_common.worker import Handler, Worker

log = structlog.get_logger()


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _nothing() -> None:
    """There is nothing to do before the end."""


async def run_until(
    stopping: asyncio.Event, *work: Awaitable[None], before_end: Callable[[], Awaitable[None]] = _nothing
) -> None:
    """Runs tasks until the event is set; the end of any of them ends all, with its error.

    Args:
        stopping: Asks for the end.
        work: The tasks.
        before_end: Awaited when the end was asked for, while the tasks go on.
    """
    tasks = [asyncio.ensure_future(stopping.wait()), *(asyncio.ensure_future(item) for item in work)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        if stopping.is_set():
            await before_end()
    finally:
        await ended(*tasks)


async def serve_worker(
    service: str,
    settings: ServiceSettings,
    handlers: Mapping[str, Handler],
    tidy: Mapping[str, Handler] | None = None,
) -> None:
    """Runs a worker service: one loop for each verb, until SIGTERM or SIGINT.

    Args:
        service: Its name in the log.
        settings: Where everything is.
        handlers: What does the work, by verb.
        tidy: What is called when a job is over, by verb.
    """
    configure_logging(settings, service)
    telemetry = open_telemetry(settings, service)
    stopping = stop_on_signals()
    bus = await NatsBus.connect(settings, telemetry, service=service)
    store = await S3Store.connect(settings, telemetry.metrics)
    server = ServiceServer(settings.grpc_address)
    await server.start()
    log.info("service ready", port=server.port)
    is_ready = Readiness({"broker": bus.is_available, "store": store.is_available}, telemetry.metrics)
    tidy, draining = tidy or {}, Draining()
    workers = [
        Worker(verb, handler, bus, store, settings, tidy.get(verb), telemetry, draining).run()
        for verb, handler in handlers.items()
    ]
    try:
        await run_until(
            stopping,
            server.report_health(is_ready),
            *workers,
            before_end=partial(draining.drain, settings.stop_grace_s),
        )
    finally:
        log.info("service stops")
        with contextlib.suppress(Exception):
            await server.stop()
        await bus.close()
        telemetry.tracing.close()
