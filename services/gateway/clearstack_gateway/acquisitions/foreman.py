"""Has every acquisition dealt with, step by step: finds whose turn it is, and has that done."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from functools import partial

import structlog
from clearstack.v1 import error_reason_pb2
from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Acquisition
from clearstack_common import subjects
from clearstack_common.bus import Bus, StoredRecord
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    NotFoundError,
    WrongStateError,
)
from clearstack_common.tasks import ended

from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.beginning import Beginning
from clearstack_gateway.acquisitions.flow import Happening
from clearstack_gateway.acquisitions.ledger import Entry, Ledger
from clearstack_gateway.acquisitions.storing import Storing
from clearstack_gateway.acquisitions.taking import GoneError, Taking
from clearstack_gateway.acquisitions.turns import Step, Verb, arrival, turns
from clearstack_gateway.use_cases.ordered import Key, Ordered
from clearstack_gateway.use_cases.tables import Tables
from clearstack_gateway.workflow import denoising as denoising_workflow
from clearstack_gateway.workflow import training as training_workflow

# A step that cannot be made now, and an acquisition that waits, rest so long.
_REST_S = 2.0
_POLL_S = 1.0

log = structlog.get_logger()


class Foreman:
    """The loop behind the rules; several gateways may have one, whatever two of them do counts once."""

    def __init__(
        self,
        bus: Bus,
        tables: Tables,
        taking: Taking,
        beginning: Beginning,
        storing: Storing,
        rest_s: float = _REST_S,
    ) -> None:
        self._rest_s = rest_s
        self._bus = bus
        self._tables = tables
        self._ledger = Ledger(tables.acquisitions)
        self._taking = taking
        self._beginning = beginning
        self._storing = storing
        self._unfinished = Ordered[AcquisitionRecord](_key_if_unfinished)
        self._working: dict[str, asyncio.Task[None]] = {}
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """Deals with acquisitions, for ever."""
        listening = asyncio.ensure_future(self._listen())
        try:
            while True:
                self._moved.clear()
                try:
                    await self.pass_once()
                except ClearstackError as error:
                    log.info("acquisitions wait", reason=error.message)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_S):
                        await self._moved.wait()
        finally:
            await ended(listening, *self._working.values())

    async def _listen(self) -> None:
        """Looks again when a run moves on."""
        async with self._bus.hints(subjects.events_of_kind("state_changed")) as hints:
            while True:
                if await hints.wait(_POLL_S):
                    self._moved.set()

    async def pass_once(self) -> None:
        """Begins every step for which it is time."""
        for step in await self._steps():
            task = asyncio.ensure_future(self._make(step))
            self._working[step.entry.id] = task
            task.add_done_callback(partial(self._done, step.entry.id))

    def _done(self, entry_id: str, _: object) -> None:
        self._working.pop(entry_id, None)
        self._moved.set()

    async def _steps(self) -> Sequence[Step]:
        entries = await self._ledger.entries()
        self._unfinished.update(entries)
        if not self._unfinished.keys:
            return ()
        unfinished = self._unfinished.at(self._unfinished.keys)
        running = await self._unfinished_runs()
        return turns(
            unfinished,
            {stored.value.name: stored.value for stored in await self._tables.rules.list()},
            busy=self._working.keys(),
            is_run_over=lambda acquisition: (acquisition.training or acquisition.denoising) not in running,
            now_ns=time.time_ns(),
        )

    async def _unfinished_runs(self) -> set[str]:
        """Names; a run that is not among them is over, all that follows from its end included, or was deleted."""
        trainings = [stored.value for stored in await self._tables.trainings.list()]
        denoisings = [stored.value for stored in await self._tables.denoisings.list()]
        return {
            each.training.name
            for each in trainings
            if each.outbox or each.training.state not in training_workflow.TERMINAL
        } | {
            each.denoising.name
            for each in denoisings
            if each.outbox or each.denoising.state not in denoising_workflow.TERMINAL
        }

    async def _make(self, step: Step) -> None:
        """Makes a step, and rests where it cannot be made now; whatever happens concerns this acquisition alone."""
        try:
            waits = await self._outcome(step)
        except BackendUnavailableError as error:
            log.info("acquisition goes on later", key=step.entry.value.acquisition.key, reason=error.message)
            waits = True
        if waits:
            await asyncio.sleep(self._rest_s)

    async def _outcome(self, step: Step) -> bool:
        """Makes a step and writes down what came of it; returns whether it has to wait.

        Raises:
            BackendUnavailableError: It cannot be made now.
        """
        entry = step.entry
        if step.verb is Verb.WITHDRAW:
            await self._ledger.withdraw(entry)
            return False
        try:
            happening = await self._happening(step)
        except GoneError as error:
            if entry.value.acquisition.attempt == 1:
                await self._ledger.withdraw(entry)
                return False
            happening = flow.Fail(failure=error.as_failure())
        except BackendUnavailableError:
            raise
        except ClearstackError as error:
            is_full = error.reason == error_reason_pb2.ERROR_REASON_LIMIT_REACHED
            happening = flow.Wait(reason=error.message) if is_full else flow.Fail(failure=error.as_failure())
        except Exception:  # a fault must not stop the others
            log.exception("acquisition failed", key=entry.value.acquisition.key)
            text = "Something went wrong inside Clearstack; the gateway's log has the details."
            happening = flow.Fail(failure=ClearstackError(text).as_failure())
        with contextlib.suppress(WrongStateError, NotFoundError):  # another gateway was faster
            await self._ledger.advance(entry, happening)
        return isinstance(happening, flow.Wait)

    async def _happening(self, step: Step) -> Happening:
        entry = step.entry
        match step.verb:
            case Verb.CLAIM:
                rule = await self._tables.rules.get(subjects.run_id(entry.value.acquisition.rule))
                return flow.Claim(rule=rule.value)
            case Verb.TAKE:
                return flow.Taken(stack=await self._taking.take(entry))
            case Verb.BEGIN:
                return await self._beginning.begin(entry, await self._ledger.entries())
        return await self._storing.finish(entry, is_outdated=await self._is_outdated(entry))

    async def _is_outdated(self, entry: Entry) -> bool:
        """Whether a newer version of the same object was stored already."""
        own = entry.value.acquisition
        others = [stored.value.acquisition for stored in await self._ledger.entries()]
        return any(
            (other.bucket, other.key, other.state) == (own.bucket, own.key, flow.STORED)
            and arrival(other) > arrival(own)
            for other in others
        )


def _key_if_unfinished(stored: StoredRecord[AcquisitionRecord]) -> Key | None:
    acquisition: Acquisition = stored.value.acquisition
    return None if acquisition.state in flow.OVER else (arrival(acquisition), stored.id)
