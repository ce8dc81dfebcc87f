"""Events: one history, read in order by consumers with names and replayed by watchers."""

from clearstack.v1.event_pb2 import Event
from clearstack_common import subjects
from clearstack_common.bus import Bus
from contract.examples import failed, moved, progress
from contract.harness import Harness, Reader

_KINDS = ("slices_denoised", "job_failed")


def _timeless(event: Event) -> Event:
    event.ClearField("time")
    return event


async def _replayed(bus: Bus, run: str, after: int = 0) -> list[tuple[int, str]]:
    found = []
    while (item := await bus.next_event(run, after)) is not None:
        after = item[0]
        found.append((after, item[1].id))
    return found


async def test_event_arrives_whole(bus: Bus) -> None:
    """A consumer gets the event that was published, with its time."""
    await bus.publish_event(failed(1))
    delivery = await Reader(bus.events("gateway", _KINDS)).next()
    assert delivery.item.time.seconds > 0
    assert _timeless(delivery.item) == failed(1)


async def test_consumer_gets_its_kinds_in_order(bus: Bus) -> None:
    """Events come in the order of their publication, over all runs, and others are left out."""
    for number in range(3):
        await bus.publish_event(progress(number, "trainings/a"))
        await bus.publish_event(moved(number))
        await bus.publish_event(failed(number, "trainings/b"))
    reader = Reader(bus.events("gateway", _KINDS))
    seen = []
    for _ in range(6):
        delivery = await reader.next()
        seen.append(delivery.item.id)
        await delivery.done()
    assert seen == [
        each.id
        for number in range(3)
        for each in (progress(number, "trainings/a"), failed(number, "trainings/b"))
    ]


async def test_next_event_waits_for_the_one_before(harness: Harness) -> None:
    """While an event is not dealt with, another gateway with the same name gets none."""
    one, two = await harness.connect(), await harness.connect()
    await one.publish_event(progress(1))
    await one.publish_event(progress(2))
    delivery = await Reader(one.events("gateway", _KINDS)).next()
    other = Reader(two.events("gateway", _KINDS))
    assert await other.nothing_within(harness.ack_wait_s / 4)
    await delivery.done()
    assert (await other.next()).item.id == progress(2).id


async def test_event_given_back_comes_again_before_the_next(bus: Bus) -> None:
    """`again` repeats an event, and no later one overtakes it."""
    await bus.publish_event(progress(1))
    await bus.publish_event(progress(2))
    reader = Reader(bus.events("gateway", _KINDS))
    await (await reader.next()).again(0.1)
    delivery = await reader.next()
    assert (delivery.item.id, delivery.num_delivered) == (progress(1).id, 2)
    await delivery.done()
    assert (await reader.next()).item.id == progress(2).id


async def test_named_consumer_goes_on_where_it_stood(harness: Harness) -> None:
    """After a reconnection a consumer gets what came meanwhile and nothing that was dealt with."""
    before = await harness.connect()
    await before.publish_event(progress(1))
    await before.publish_event(progress(2))
    await (await Reader(before.events("gateway", _KINDS)).next()).done()
    await harness.disconnect(before)
    after = await harness.connect()
    await after.publish_event(progress(3))
    reader = Reader(after.events("gateway", _KINDS))
    for number in (2, 3):
        delivery = await reader.next()
        assert delivery.item.id == progress(number).id
        await delivery.done()


async def test_consumers_with_other_names_are_independent(bus: Bus) -> None:
    """Each name has its own place in the history."""
    await bus.publish_event(progress(1))
    await (await Reader(bus.events("one", _KINDS)).next()).done()
    assert (await Reader(bus.events("two", _KINDS)).next()).item.id == progress(1).id


async def test_history_is_replayed_by_number(bus: Bus) -> None:
    """A run's events are found one after the other, from the start or after any of them; others are not."""  # spec: D2
    for number in range(3):
        await bus.publish_event(moved(number))
        await bus.publish_event(moved(number, "trainings/other"))
    everything = await _replayed(bus, "trainings/r")
    assert [event_id for _, event_id in everything] == [moved(number).id for number in range(3)]
    assert await _replayed(bus, "trainings/r", everything[0][0]) == everything[1:]
    assert await bus.next_event("trainings/r", everything[-1][0]) is None


async def test_history_of_unknown_run_is_empty(bus: Bus) -> None:
    """There is no first event where there are none, whatever the number."""
    assert await bus.next_event("trainings/nobody", 0) is None
    assert await bus.next_event("trainings/nobody", 2**62) is None


async def test_number_below_the_first_means_from_the_start(bus: Bus) -> None:
    """A negative number is before everything."""
    await bus.publish_event(moved(1))
    found = await bus.next_event("trainings/r", -7)
    assert found is not None
    assert found[1].id == moved(1).id


async def test_same_id_is_in_the_history_once(bus: Bus) -> None:
    """Publishing an event again adds nothing."""
    await bus.publish_event(moved(1))
    await bus.publish_event(moved(1))
    assert len(await _replayed(bus, "trainings/r")) == 1


async def test_event_keeps_the_time_that_it_has(bus: Bus) -> None:
    """An event that is published again after a crash keeps its time."""
    event = moved(1)
    event.time.FromSeconds(1_000_000)
    await bus.publish_event(event)
    found = await bus.next_event("trainings/r", 0)
    assert found is not None
    assert found[1].time.seconds == 1_000_000


async def test_forgotten_events_are_gone_and_others_stay(bus: Bus) -> None:
    """Forgetting a run removes its history alone."""
    await bus.publish_event(moved(1))
    await bus.publish_event(moved(1, "trainings/other"))
    await bus.forget_events("trainings/r")
    assert await _replayed(bus, "trainings/r") == []
    assert len(await _replayed(bus, "trainings/other")) == 1


async def test_event_wakes_who_waits_for_its_run(harness: Harness) -> None:
    """A watcher that listens to a run is woken by its events and not by another run's."""
    sender, watcher = await harness.connect(), await harness.connect()
    async with watcher.hints(subjects.events_of("trainings/r")) as hints:
        await watcher.next_event("trainings/r", 0)  # a round trip: the broker knows the listener now
        await sender.publish_event(moved(1, "trainings/other"))
        assert not await hints.wait(0.1)
        await sender.publish_event(moved(1))
        assert await hints.wait(10)


async def test_hint_wakes_listeners_once(harness: Harness) -> None:
    """A hint wakes; after that there is none until the next."""
    sender, listener = await harness.connect(), await harness.connect()
    subject = subjects.cancel_subject("trainings/r")
    async with listener.hints(subject) as hints:
        await listener.next_event("trainings/r", 0)
        await sender.hint(subject)
        assert await hints.wait(10)
        assert not await hints.wait(0.05)


async def test_hint_nobody_hears_is_lost_without_harm(bus: Bus) -> None:
    """A hint for which nobody listens is no error and does not arrive later."""
    subject = subjects.cancel_subject("trainings/r")
    await bus.hint(subject)
    async with bus.hints(subject) as hints:
        assert not await hints.wait(0.05)


async def test_connection_says_that_it_is_there(bus: Bus) -> None:
    """A bus that was just used is connected."""
    assert await bus.is_available()
