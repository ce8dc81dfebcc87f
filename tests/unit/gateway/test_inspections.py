"""Looks at stacks, as the gateway sees them."""

import asyncio

import pytest
from clearstack.v1 import error_reason_pb2
from clearstack.v1.event_pb2 import Event, JobFailed, StackInspected
from clearstack.v1.inspection_pb2 import Inspection, Recommendation
from clearstack.v1.job_pb2 import Job
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_common import protojson
from clearstack_common.errors import BackendUnavailableError, ClearstackError, NotFoundError
from clearstack_gateway.use_cases.inspections import Inspections
from unit.gateway.rig import Gateway

ANSWER = Inspection(recommendation=Recommendation(reason="The noise is white."))


def _inspections(gateway: Gateway, timeout_s: float = 30) -> Inspections:
    return Inspections(gateway.bus, gateway.tables, gateway.store, timeout_s)


async def _job(gateway: Gateway) -> Job:
    delivery = await anext(gateway.bus.jobs("inspect"))
    await delivery.done()
    return delivery.item


async def test_inspection_is_asked_for_once(gateway: Gateway) -> None:
    """The first call has the stack measured, the second finds the answer beside it."""  # spec: A7
    inspections = _inspections(gateway)
    asked = asyncio.ensure_future(inspections.inspect("stacks/s"))
    job = await _job(gateway)
    assert (job.run, job.inspect.stack.object_key) == ("stacks/s", "stacks/s/original.tif")
    assert job.inspect.object_key.startswith("stacks/s/inspection-")
    await gateway.store.put_bytes(job.inspect.object_key, protojson.encode(ANSWER))
    told = StackInspected(object_key=job.inspect.object_key)
    await gateway.bus.publish_event(Event(id="e", run=job.run, job=job.id, stack_inspected=told))
    assert await asked == ANSWER
    assert await inspections.inspect("stacks/s") == ANSWER
    assert not gateway.broker.jobs


async def test_inspection_that_fails_says_why(gateway: Gateway) -> None:
    """What the measuring service says reaches the caller."""  # spec: A7
    asked = asyncio.ensure_future(_inspections(gateway).inspect("stacks/s"))
    job = await _job(gateway)
    failure = Failure(reason="OUT_OF_SPACE", message="The disk is full.")
    failed = JobFailed(failure=failure)
    await gateway.bus.publish_event(Event(id="e", run=job.run, job=job.id, job_failed=failed))
    with pytest.raises(ClearstackError, match="The disk is full") as error:
        await asked
    assert error.value.reason == error_reason_pb2.ERROR_REASON_OUT_OF_SPACE


async def test_inspection_is_waited_for_a_while_only(gateway: Gateway) -> None:
    """When nobody measures, the caller is told what to look at."""  # spec: A7
    with pytest.raises(BackendUnavailableError, match="clearstack status"):
        await _inspections(gateway, timeout_s=0.01).inspect("stacks/s")


async def test_only_a_stack_that_is_there_is_inspected(gateway: Gateway) -> None:
    """An unknown id is an error of its own."""  # spec: A7
    with pytest.raises(NotFoundError):
        await _inspections(gateway).inspect("stacks/unknown")
