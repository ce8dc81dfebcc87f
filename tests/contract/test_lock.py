"""The training lock: one holder, growing tokens, expiry."""

import asyncio
import copy

import pytest
from clearstack_common.bus import Bus, LockLostError, TrainingLock
from contract.harness import PATIENCE_S, Harness


async def _acquired(bus: Bus, holder: str) -> TrainingLock:
    """The lock, as soon as it is free."""
    async with asyncio.timeout(PATIENCE_S):
        while (lock := await bus.acquire_lock(holder)) is None:  # noqa: ASYNC110 - it is on the broker
            await asyncio.sleep(0.02)
    return lock


async def _free(bus: Bus) -> None:
    """Returns when nobody has the lock."""
    async with asyncio.timeout(PATIENCE_S):
        while await bus.lock_token() is not None:  # noqa: ASYNC110 - it is on the broker
            await asyncio.sleep(0.02)


async def test_lock_has_one_holder(harness: Harness) -> None:
    """While one has the lock, nobody gets it, not even a namesake."""  # spec: D1
    one, two = await harness.connect(), await harness.connect()
    await _acquired(one, "a")
    assert await two.acquire_lock("b") is None
    assert await one.acquire_lock("a") is None


async def test_one_of_many_who_ask_at_once_gets_it(harness: Harness) -> None:
    """Of ten trainers that ask at the same moment exactly one gets the lock."""  # spec: D1
    buses = [await harness.connect() for _ in range(3)]
    locks = await asyncio.gather(*(buses[n % 3].acquire_lock(f"t{n}") for n in range(10)))
    assert sum(lock is not None for lock in locks) == 1


async def test_present_token_is_the_holders(bus: Bus) -> None:
    """Anyone can ask for the present token; it stays the same through renewals."""
    assert await bus.lock_token() is None
    lock = await _acquired(bus, "a")
    token = lock.token
    await lock.renew()
    assert (lock.token, await bus.lock_token()) == (token, token)
    await lock.release()
    assert await bus.lock_token() is None


async def test_token_grows_with_each_holder(bus: Bus) -> None:
    """Later holders have larger tokens, after a release as after an expiry."""
    first = await _acquired(bus, "a")
    await first.release()
    second = await _acquired(bus, "b")
    third = await _acquired(bus, "c")  # after the second's expired
    assert first.token < second.token < third.token


async def test_lock_of_silent_holder_expires(harness: Harness) -> None:
    """A lock that is not renewed is free after its TTL, and not before."""
    bus = await harness.connect()
    await _acquired(bus, "a")
    began = asyncio.get_running_loop().time()
    await _free(bus)
    assert harness.lock_ttl_s / 2 < asyncio.get_running_loop().time() - began < 3 * harness.lock_ttl_s


async def test_renewed_lock_outlives_its_ttl_and_still_expires(harness: Harness) -> None:
    """Renewals keep the lock; the last one has a TTL again, so that no lock is immortal."""
    bus = await harness.connect()
    lock = await _acquired(bus, "a")
    for _ in range(6):
        await lock.renew()
        await asyncio.sleep(harness.lock_ttl_s / 4)  # the time that passes is what is tested
        assert await bus.lock_token() == lock.token
    await _free(bus)


async def test_renewal_after_expiry_is_refused(bus: Bus) -> None:
    """Whoever slept through the TTL has lost the lock, even if nobody else took it."""
    lock = await _acquired(bus, "a")
    await _free(bus)
    with pytest.raises(LockLostError):
        await lock.renew()
    assert await bus.lock_token() is None


async def test_zombie_can_neither_renew_nor_release(bus: Bus) -> None:
    """A holder that was thought dead cannot take the lock from its successor."""  # spec: D1
    zombie = await _acquired(bus, "a")
    successor = await _acquired(bus, "b")
    with pytest.raises(LockLostError):
        await zombie.renew()
    await zombie.release()
    assert await bus.lock_token() == successor.token
    await successor.renew()


async def test_renewal_whose_answer_was_lost_is_adopted(bus: Bus) -> None:
    """A holder whose last renewal was taken, but who never heard so, still has the lock."""
    lock = await _acquired(bus, "a")
    await copy.copy(lock).renew()  # the lock's own revision is now the one before
    await lock.renew()
    await lock.renew()
    assert await bus.lock_token() == lock.token


async def test_release_lets_the_next_in_at_once(harness: Harness) -> None:
    """A released lock need not expire first."""
    one, two = await harness.connect(), await harness.connect()
    lock = await _acquired(one, "a")
    await lock.renew()
    await lock.release()
    assert await two.acquire_lock("b") is not None


async def test_second_release_harms_nobody(bus: Bus) -> None:
    """Releasing what is not ours any more changes nothing."""
    lock = await _acquired(bus, "a")
    await lock.release()
    successor = await _acquired(bus, "b")
    await lock.release()
    assert await bus.lock_token() == successor.token
