"""The ledger of acquisitions, and what it needs of the store: on the fakes and on the real servers."""

import asyncio
import contextlib

import nats
import pytest
from clearstack.v1.record_pb2 import AcquisitionRecord
from clearstack.v1.rule_service_pb2 import Rule
from clearstack_common import subjects
from clearstack_common.bus import Bus
from clearstack_common.bus.nats_login import login
from clearstack_common.errors import NotFoundError, WrongStateError
from clearstack_common.objects import ObjectStore, StoredObject
from clearstack_common.settings import ServiceSettings
from clearstack_gateway.acquisitions import flow
from clearstack_gateway.acquisitions.ledger import Ledger, entry_id
from contract.harness import PATIENCE_S, FakeHarness, Harness

_RULE = Rule(name="rules/r")
_FOUND = StoredObject(key="incoming/a.tif", size_bytes=9, etag="e")


def _ledger(bus: Bus) -> Ledger:
    return Ledger(bus.table(subjects.ACQUISITIONS_BUCKET, AcquisitionRecord))


async def test_one_of_many_who_meet_an_object_has_it(harness: Harness) -> None:
    """Two gateways, ten times each: one entry; another version of the object is another entry."""
    ledgers = [_ledger(await harness.connect()) for _ in range(2)]
    met = await asyncio.gather(*(ledger.meet(_RULE, "", _FOUND) for ledger in ledgers * 10))
    assert sum(met) == 1
    assert await ledgers[0].meet(_RULE, "", StoredObject(key=_FOUND.key, size_bytes=10, etag="f"))
    ids = {entry.id for entry in await ledgers[1].entries()}
    assert ids == {entry_id("", _FOUND.key, etag) for etag in "ef"}


async def test_a_step_is_made_once(harness: Harness) -> None:
    """Of many who claim the same entry one does; the others learn that it has moved on."""
    ledgers = [_ledger(await harness.connect()) for _ in range(2)]
    await ledgers[0].meet(_RULE, "", _FOUND)
    [entry] = await ledgers[0].entries()
    claims = [ledger.advance(entry, flow.Claim(rule=_RULE)) for ledger in ledgers * 5]
    outcomes = await asyncio.gather(*claims, return_exceptions=True)
    assert sum(isinstance(outcome, WrongStateError) for outcome in outcomes) == 9
    [entry] = await ledgers[1].entries()
    assert (entry.value.acquisition.state, entry.value.acquisition.attempt) == (flow.CLAIMED, 1)


async def test_what_moved_on_is_not_withdrawn(bus: Bus) -> None:
    """Whoever has read an older version takes nothing away."""
    ledger = _ledger(bus)
    await ledger.meet(_RULE, "", _FOUND)
    [old] = await ledger.entries()
    claimed = await ledger.advance(old, flow.Claim(rule=_RULE))
    await ledger.withdraw(old)
    assert len(await ledger.entries()) == 1
    await ledger.withdraw(claimed)
    assert not await ledger.entries()


async def test_pages_and_looks_agree(store: ObjectStore, prefix: str) -> None:
    """Page by page every object comes once, by key, just as a single look shows it."""
    keys = [f"{prefix}/{name}" for name in ("a.tif", "b/c.tif", "b/d é+.tif", "e.tif", "f.tif")]
    for number, key in enumerate(keys):
        await store.put_bytes(key, b"x" * (number + 1))
    found: list[StoredObject] = []
    while page := await store.page(f"{prefix}/", found[-1].key if found else "", 2):
        found += page
    assert [each.key for each in found] == sorted(keys)
    looked = [await store.stat(each.key) for each in found]
    assert [(each.etag, each.size_bytes) for each in looked] == [
        (each.etag, each.size_bytes) for each in found
    ]
    assert all(each.etag and each.written_at for each in found)
    with pytest.raises(NotFoundError):
        await store.stat(f"{prefix}/nothing")


async def test_only_what_was_seen_is_copied(store: ObjectStore, prefix: str) -> None:
    """An object that was replaced meanwhile, or is gone, is not copied in its stead."""
    key, copy = f"{prefix}/a.tif", f"{prefix}/copy.tif"
    await store.put_bytes(key, b"first")
    seen = await store.stat(key)
    await store.copy_in(copy, store.bucket, seen)
    assert await store.get_bytes(copy) == b"first"
    await store.put_bytes(key, b"second")
    for source in (seen, StoredObject(key=f"{prefix}/nothing", size_bytes=1, etag="e")):
        with pytest.raises(NotFoundError):
            await store.copy_in(f"{prefix}/other.tif", store.bucket, source)
    assert not await store.page(f"{prefix}/other", "", 9)


async def test_notices_of_others_are_heard(harness: Harness, bus: Bus, real: ServiceSettings | None) -> None:
    """What somebody publishes outside of streams, without any header of ours."""
    heard = asyncio.ensure_future(_first(bus))
    async with asyncio.timeout(PATIENCE_S):
        while not heard.done():
            await _tell(harness, real, b"{}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(heard), 0.1)
    assert await heard == b"{}"


async def _first(bus: Bus) -> bytes:
    return await anext(bus.notices(subjects.S3_NOTIFICATIONS))


async def _tell(harness: Harness, real: ServiceSettings | None, data: bytes) -> None:
    if real is None:
        assert isinstance(harness, FakeHarness)
        harness._broker.notices.put_nowait(data)
        return
    client = await nats.connect(real.nats_url, **login(real, ""))
    await client.publish("clearstack.s3.clearstack", data)
    await client.close()
