"""Messages that cannot be read, and a broker that has lost its data."""

import pytest
from clearstack.v1.dead_letter_pb2 import DeadLetter
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import protojson, subjects
from clearstack_common.bus import Bus
from contract.examples import train
from contract.harness import Harness, Reader

_SUBJECTS = ("clearstack.cmd.train.x", "clearstack.evt.stage_trained.x")


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe", b""])
async def test_unreadable_message_becomes_a_letter(bus: Bus, data: bytes) -> None:
    """A job and an event that cannot be read are kept aside, whole; what comes after them is handed out."""
    for subject in _SUBJECTS:
        await bus.publish_again(subject, data)
    await bus.publish_job(train(1))
    jobs, events = Reader(bus.jobs("train")), Reader(bus.events("test", ["stage_trained"]))
    assert (await jobs.next()).item == train(1)
    assert await events.nothing_within(0.5)
    letters = [stored.value for stored in await bus.table(subjects.DEAD_LETTERS_BUCKET, DeadLetter).list()]
    assert sorted(letter.subject for letter in letters) == sorted(_SUBJECTS)
    assert [letter.data for letter in letters] == [data, data]
    await events.close()


async def test_message_is_published_again_though_its_id_is_known(bus: Bus) -> None:
    """`publish_again` is for a message that the broker would take for a repetition."""
    await bus.publish_job(train(1))
    reader = Reader(bus.jobs("train"))
    await (await reader.next()).done()
    await bus.publish_again(subjects.job_subject(train(1)), protojson.encode(train(1)))
    assert (await reader.next()).item == train(1)


async def test_numbers_grow_from_broker_to_broker(harness: Harness) -> None:
    """Revisions and fencing tokens of a broker that has lost its data are larger than those of before."""  # spec: D8
    revisions, tokens = [], []
    for _ in range(3):
        bus = await harness.connect()
        table = bus.table(subjects.STACKS_BUCKET, Stack)
        created = await table.create("a", Stack())
        updated = await table.update(created, Stack(name="a"))
        lock = await bus.acquire_lock("a")
        assert lock is not None
        revisions += [created.revision, updated.revision]
        tokens.append(lock.token)
        await harness.wipe()
    assert revisions == sorted(set(revisions))
    assert tokens == sorted(set(tokens))
