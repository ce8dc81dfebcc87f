"""Watching: everything since the start, then what happens, to the end."""

import asyncio
from collections.abc import AsyncIterator

from clearstack.v1.event_pb2 import Event
from clearstack_gateway.workflow import SkipStageTwo
from clearstack_gateway.workflow.training_effects import work_id
from fakes.waiting import until
from unit.gateway.rig import N2V, Gateway


async def _all(source: AsyncIterator[tuple[int, Event] | None]) -> list[tuple[int, str]]:
    return [(item[0], item[1].id) async for item in source if item is not None]


async def _completed(gateway: Gateway) -> str:
    name = (await gateway.new_training(method=N2V)).name
    await gateway.serve_until(name, "COMPLETE")
    return name


async def test_watcher_of_a_finished_run_sees_all_and_is_let_go(gateway: Gateway) -> None:
    """A run that is over is replayed from its beginning, in order, and the watch ends."""  # spec: D2
    name = await _completed(gateway)
    seen = await _all(gateway.trainings.watch(name, 0))
    run = work_id(await gateway.record(name))
    assert [event for _, event in seen if ".state." in event] == [f"{run}.state.{n}" for n in (1, 2, 3)]
    assert [sequence for sequence, _ in seen] == sorted({sequence for sequence, _ in seen})
    kinds = [event.rpartition(".")[0] for _, event in seen]
    assert kinds.index(f"{run}.stage1.attempt1.train.epoch") > kinds.index(f"{run}.state")


async def test_watcher_follows_to_the_end(gateway: Gateway) -> None:
    """A watcher that began before anything happened sees the same as one that comes afterwards."""  # spec: D2
    name = (await gateway.new_training(method=N2V)).name
    early = asyncio.ensure_future(_all(gateway.trainings.watch(name, 0)))
    await until(lambda: gateway.broker.listeners)
    await gateway.serve_until(name, "COMPLETE")
    assert await early == await _all(gateway.trainings.watch(name, 0))


async def test_ten_watchers_see_the_same(gateway: Gateway) -> None:
    """Ten watchers that come at different times see the same history."""  # spec: D2
    name = (await gateway.new_training()).name
    watchers: list[asyncio.Task[list[tuple[int, str]]]] = []

    def all_listen() -> bool:
        return len(gateway.broker.listeners) == len(watchers)

    for state in ("QUEUED", "TRAINING", "DENOISING", "EXTRACTING_MASK", "AWAITING_REVIEW"):
        await gateway.serve_until(name, state)
        watchers += [asyncio.ensure_future(_all(gateway.trainings.watch(name, 0))) for _ in range(2)]
        await until(all_listen)
    await gateway.runs.advance_training(name, SkipStageTwo())
    seen = await asyncio.gather(*watchers)
    assert len(seen) == 10
    assert len(seen[0]) > 5
    assert all(each == seen[0] for each in seen)


async def test_watcher_that_comes_back_misses_nothing(gateway: Gateway) -> None:
    """A watcher that is cut off after each event and comes back sees everything once."""  # spec: D2
    name = (await gateway.new_training(method=N2V)).name
    everything = asyncio.ensure_future(_all(gateway.trainings.watch(name, 0)))
    seen: list[tuple[int, str]] = []

    async def stubborn() -> None:
        while True:
            watch = gateway.trainings.watch(name, seen[-1][0] if seen else 0)
            item = await anext(watch, "over")
            if isinstance(item, str):
                return
            if item is not None:
                seen.append((item[0], item[1].id))
            await watch.aclose()  # type: ignore[attr-defined]  # it is a generator

    watching = asyncio.ensure_future(stubborn())
    await until(lambda: gateway.broker.listeners)
    await gateway.serve_until(name, "COMPLETE")
    await watching
    assert seen == await everything


async def test_watcher_outlives_an_outage(gateway: Gateway) -> None:
    """While the broker is away a watcher waits; afterwards it goes on without a gap."""  # spec: D8
    name = (await gateway.new_training(method=N2V)).name
    watching = asyncio.ensure_future(_all(gateway.trainings.watch(name, 0)))
    await until(lambda: gateway.broker.listeners)
    gateway.broker.set_away(away=True)
    gateway.broker.hint(gateway.broker.listeners[0][0].replace("*", "x"))
    await until(lambda: not gateway.broker.listeners[0][1].is_set())
    gateway.broker.set_away(away=False)
    await gateway.serve_until(name, "COMPLETE")
    assert await watching == await _all(gateway.trainings.watch(name, 0))


async def test_watch_begins_after_a_number(gateway: Gateway) -> None:
    """Events up to the number are left out; a number beyond the end gives nothing."""  # spec: D2
    name = await _completed(gateway)
    everything = await _all(gateway.trainings.watch(name, 0))
    assert await _all(gateway.trainings.watch(name, everything[2][0])) == everything[3:]
    assert await _all(gateway.trainings.watch(name, everything[-1][0] + 99)) == []


async def test_watch_has_this_run_alone(gateway: Gateway) -> None:
    """What happens to other runs is not in a run's history."""  # spec: D2
    name, _ = await _completed(gateway), await _completed(gateway)
    run = name.removeprefix("trainings/")
    assert all(event.startswith(run) for _, event in await _all(gateway.trainings.watch(name, 0)))


async def test_cancelled_run_ends_the_watch(gateway: Gateway) -> None:
    """Every end of a run ends its watches, with the end as the last event."""  # spec: D2, D7
    name = (await gateway.new_training()).name
    watching = asyncio.ensure_future(_all(gateway.trainings.watch(name, 0)))
    await until(lambda: gateway.broker.listeners)
    await gateway.trainings.cancel(name)
    found = await watching
    item = await gateway.bus.next_event(name, found[-1][0] - 1)
    assert item is not None
    assert item[1].state_changed.state == "CANCELLED"


async def test_denoising_is_watched_alike(gateway: Gateway) -> None:
    """A denoising has a history and an end of its own."""  # spec: D2
    await _completed(gateway)
    [step] = await gateway.tables.denoisings.list()
    seen = await _all(gateway.denoisings.watch(step.value.denoising.name, 0))
    assert [event for _, event in seen if ".state." in event] == [
        f"{step.id}.state.{n}" for n in (1, 2, 3, 4)
    ]
