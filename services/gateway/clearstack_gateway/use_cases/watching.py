"""A run's history: replayed from where the watcher stands, then followed to the run's end."""

from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from clearstack.v1.event_pb2 import Event
from clearstack_common import subjects
from clearstack_common.bus import Bus, Hints
from clearstack_common.errors import BackendUnavailableError

_SOON_S = 0.2  # after an event: it may have been the last, with its run about to be over
_POLL_S = 2.0
_HEARTBEAT_EVERY = 5  # polls

log = structlog.get_logger()


async def history(
    bus: Bus, name: str, after_sequence: int, is_over: Callable[[], Awaitable[bool]]
) -> AsyncIterator[tuple[int, Event] | None]:
    """A run's events after a sequence number, each with its own; None now and then while nothing happens.

    Every watcher reads the stream for itself, by number: nothing is missed, nothing comes twice, whoever is slow
    holds nobody up, and an outage of the broker is a pause.

    Args:
        bus: The broker.
        name: The run, `trainings/{id}` or `denoisings/{id}`.
        after_sequence: Leave out events up to this one.
        is_over: Whether the run is at its end, with all its events in the stream.
    """
    position = after_sequence
    quiet = 0
    async with bus.hints(subjects.events_of(name)) as hints:
        while True:
            found, over = await _look(bus, name, position, is_over)
            if found is not None:
                position, quiet = found[0], 0
                yield found
            elif over:
                return
            else:
                quiet = await _pause(hints, quiet)
                if quiet % _HEARTBEAT_EVERY == 1:
                    yield None


async def _look(
    bus: Bus, name: str, position: int, is_over: Callable[[], Awaitable[bool]]
) -> tuple[tuple[int, Event] | None, bool]:
    """The next event if there is one; if not, whether none can come any more."""
    try:
        found = await bus.next_event(name, position)
        if found is not None or not await is_over():
            return found, False
        # It may have ended, with an event, between the two questions.
        return await bus.next_event(name, position), True
    except BackendUnavailableError:
        log.info("watcher waits for the broker", run=name)
        return None, False


async def _pause(hints: Hints, quiet: int) -> int:
    return 0 if await hints.wait(_POLL_S if quiet else _SOON_S) else quiet + 1
