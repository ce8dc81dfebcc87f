"""Jobs: queued once, handed to one at a time, handed out again until they are done."""

import asyncio

from clearstack_common.bus import Bus
from contract.examples import assemble, train
from contract.harness import Harness, Reader


async def test_job_arrives_whole(bus: Bus) -> None:
    """A worker gets the job that was published, for the first time."""
    await bus.publish_job(train(1))
    reader = Reader(bus.jobs("train"))
    delivery = await reader.next()
    assert (delivery.item, delivery.num_delivered) == (train(1), 1)


async def test_job_published_later_arrives(bus: Bus) -> None:
    """A worker that waits gets a job when it comes."""
    reader = Reader(bus.jobs("train"))
    assert await reader.nothing_within(0.1)
    await bus.publish_job(train(1))
    assert (await reader.next()).item == train(1)


async def test_same_id_is_queued_once(bus: Bus) -> None:
    """Publishing a job again, also after it was done, does not make it be done twice."""
    await bus.publish_job(train(1))
    await bus.publish_job(train(1))
    reader = Reader(bus.jobs("train"))
    await (await reader.next()).done()
    await bus.publish_job(train(1))
    await bus.publish_job(train(2))
    assert (await reader.next()).item == train(2)


async def test_jobs_come_in_order(bus: Bus) -> None:
    """What was queued first is handed out first."""
    for number in range(5):
        await bus.publish_job(train(number))
    reader = Reader(bus.jobs("train"))
    for number in range(5):
        delivery = await reader.next()
        assert delivery.item == train(number)
        await delivery.done()


async def test_worker_gets_its_verb_alone(bus: Bus) -> None:
    """A job goes to those who do such work."""
    await bus.publish_job(assemble(1))
    await bus.publish_job(train(1))
    assert (await Reader(bus.jobs("train")).next()).item == train(1)
    assert (await Reader(bus.jobs("assemble")).next()).item == assemble(1)


async def test_job_in_work_is_nobody_elses(harness: Harness) -> None:
    """Two workers get two different jobs; a job that is being worked on is not handed to another."""
    one, two = await harness.connect(), await harness.connect()
    await one.publish_job(train(1))
    first, second = Reader(one.jobs("train")), Reader(two.jobs("train"))
    assert (await first.next()).item == train(1)
    assert await second.nothing_within(harness.ack_wait_s / 4)
    await one.publish_job(train(2))
    assert (await second.next()).item == train(2)


async def test_job_given_back_comes_again(bus: Bus) -> None:
    """`again` hands a job out once more, after the delay, and it says that it is the second time."""
    await bus.publish_job(train(1))
    reader = Reader(bus.jobs("train"))
    await (await reader.next()).again(0.3)
    began = asyncio.get_running_loop().time()
    delivery = await reader.next()
    assert (delivery.item, delivery.num_delivered) == (train(1), 2)
    assert asyncio.get_running_loop().time() - began > 0.2


async def test_job_given_back_does_not_hold_up_others(bus: Bus) -> None:
    """While a job waits for its second try, the next one is handed out."""
    await bus.publish_job(train(1))
    await bus.publish_job(train(2))
    reader = Reader(bus.jobs("train"))
    await (await reader.next()).again(0.5)
    other = await reader.next()
    assert other.item == train(2)
    await other.done()
    assert (await reader.next()).item == train(1)


async def test_job_of_silent_worker_goes_to_another(harness: Harness) -> None:
    """A job whose worker was killed is handed out again after the ack wait."""  # spec: D8
    killed, other = await harness.connect(), await harness.connect()
    await killed.publish_job(train(1))
    await Reader(killed.jobs("train")).next()
    await harness.disconnect(killed)
    delivery = await Reader(other.jobs("train")).next()
    assert (delivery.item, delivery.num_delivered) == (train(1), 2)


async def test_job_of_busy_worker_stays_its_own(harness: Harness) -> None:
    """`still_working` keeps a job longer than the ack wait; silence after it ends that."""
    one, two = await harness.connect(), await harness.connect()
    await one.publish_job(train(1))
    delivery = await Reader(one.jobs("train")).next()
    other = Reader(two.jobs("train"))
    for _ in range(6):
        await delivery.still_working()
        assert await other.nothing_within(harness.ack_wait_s / 4)
    assert (await other.next()).num_delivered == 2


async def test_job_done_is_gone(harness: Harness) -> None:
    """A job that was done does not come again, not even after the ack wait."""
    bus = await harness.connect()
    await bus.publish_job(train(1))
    reader = Reader(bus.jobs("train"))
    await (await reader.next()).done()
    assert await reader.nothing_within(harness.ack_wait_s * 1.25)


async def test_job_survives_reconnection(harness: Harness) -> None:
    """A job waits in the queue while no worker is there."""
    before = await harness.connect()
    await before.publish_job(train(1))
    await harness.disconnect(before)
    after = await harness.connect()
    assert (await Reader(after.jobs("train")).next()).item == train(1)
