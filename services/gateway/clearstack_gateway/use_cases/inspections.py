"""Looks at stacks: asked of the mask extractor service, waited for, and kept beside the stack's file."""

import asyncio

import structlog
from clearstack.v1.event_pb2 import Event
from clearstack.v1.inspection_pb2 import Inspection
from clearstack.v1.job_pb2 import Job, MeasureStack
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import ids, protojson, subjects
from clearstack_common.bus import Bus
from clearstack_common.errors import (
    BackendUnavailableError,
    ClearstackError,
    NotFoundError,
    reason_from_name,
)
from clearstack_common.objects import ObjectStore
from clearstack_common.subjects import run_id
from clearstack_common.version import code_version

from clearstack_gateway.use_cases.stacks import require_ready, stored_file
from clearstack_gateway.use_cases.tables import Tables, id_in, not_found

_POLL_S = 2.0

log = structlog.get_logger()


class Inspections:
    """What can be told of a stack without training."""

    def __init__(self, bus: Bus, tables: Tables, store: ObjectStore, timeout_s: float) -> None:
        self._bus = bus
        self._tables = tables
        self._store = store
        self._timeout_s = timeout_s

    async def inspect(self, name: str) -> Inspection:
        """The measurement of a stack: that of an earlier call if there is one.

        Raises:
            ClearstackError: The stack cannot be used, or cannot be measured.
            BackendUnavailableError: It took longer than the gateway waits; the answer comes with a later call.
        """
        stack = await self._stack(name)
        key = _key(stack)
        try:
            return await self._read(key)
        except NotFoundError:
            await self._measured(stack, key)
        return await self._read(key)

    async def _measured(self, stack: Stack, key: str) -> None:
        """Has the stack measured and waits for the end of it."""
        # Each call has a job of its own: the one of a call that failed would be taken for a repetition.
        job = Job(
            id=f"{run_id(stack.name)}.inspect.{ids.new_id('inspections')}",
            run=stack.name,
            inspect=MeasureStack(stack=stored_file(stack), object_key=key),
        )
        try:
            async with asyncio.timeout(self._timeout_s):
                event = await self._outcome(job)
        except TimeoutError:
            raise BackendUnavailableError(
                "The stack is not measured yet: the mask extractor service is busy or away. Ask again in a minute; "
                "`clearstack status` shows whether it runs."
            ) from None
        if event.WhichOneof("kind") == "job_failed":
            failure = event.job_failed.failure
            raise ClearstackError(failure.message, reason=reason_from_name(failure.reason))

    async def _outcome(self, job: Job) -> Event:
        """Queues the job; the first event that comes of it."""
        position = 0
        async with self._bus.hints(subjects.events_of(job.run)) as hints:
            await self._bus.publish_job(job)
            log.info("stack is measured", stack=job.run)
            while True:
                found = await self._bus.next_event(job.run, position)
                if found is None:
                    await hints.wait(_POLL_S)
                    continue
                position, event = found
                if event.job == job.id:
                    return event

    async def _read(self, key: str) -> Inspection:
        return protojson.decode(await self._store.get_bytes(key), Inspection)

    async def _stack(self, name: str) -> Stack:
        try:
            stack = (await self._tables.stacks.get(id_in(name, "stacks"))).value
        except NotFoundError:
            raise not_found(name, "stacks") from None
        require_ready(stack)
        return stack


def _key(stack: Stack) -> str:
    """Below the stack's own folder, which goes when the stack is deleted; another version measures anew."""
    return f"stacks/{run_id(stack.name)}/inspection-{code_version()}.json"
