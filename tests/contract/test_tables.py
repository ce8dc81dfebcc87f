"""Records: what compare-and-set promises."""

import asyncio

import pytest
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common import subjects
from clearstack_common.bus import Bus, RecordExistsError, RecordTable
from clearstack_common.errors import ConflictError, NotFoundError


@pytest.fixture
def table(bus: Bus) -> RecordTable[Stack]:
    """An empty table."""
    return bus.table(subjects.STACKS_BUCKET, Stack)


async def test_created_record_is_found(table: RecordTable[Stack]) -> None:
    """What was created is what is read, with the same revision."""
    created = await table.create("a", Stack(name="stacks/a", size_bytes=2**40))
    found = await table.get("a")
    assert (found.id, found.value, found.revision) == (
        "a",
        Stack(name="stacks/a", size_bytes=2**40),
        created.revision,
    )


async def test_unknown_record_is_not_found(table: RecordTable[Stack]) -> None:
    """Reading what is not there says so."""
    with pytest.raises(NotFoundError, match="nobody"):
        await table.get("nobody")


async def test_second_create_is_refused(table: RecordTable[Stack]) -> None:
    """An id can be created once; the first value stays."""
    await table.create("a", Stack(name="first"))
    with pytest.raises(RecordExistsError):
        await table.create("a", Stack(name="second"))
    assert (await table.get("a")).value.name == "first"


async def test_one_of_many_creates_wins(table: RecordTable[Stack]) -> None:
    """Of twenty who create the same record at once exactly one succeeds."""
    outcomes = await asyncio.gather(
        *(table.create("a", Stack(name=str(number))) for number in range(20)), return_exceptions=True
    )
    winners = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(winners) == 1
    assert all(isinstance(outcome, RecordExistsError) for outcome in outcomes if outcome not in winners)
    assert (await table.get("a")).value == winners[0].value


async def test_update_of_newest_version_counts(table: RecordTable[Stack]) -> None:
    """An update replaces the version that was read, and its own version can be updated again."""
    created = await table.create("a", Stack(name="one"))
    updated = await table.update(created, Stack(name="two"))
    await table.update(updated, Stack(name="three"))
    found = await table.get("a")
    assert found.value.name == "three"
    assert found.revision > updated.revision > created.revision


async def test_update_of_older_version_is_refused(table: RecordTable[Stack]) -> None:
    """Whoever read an older version is told, and changes nothing."""
    created = await table.create("a", Stack(name="one"))
    await table.update(created, Stack(name="two"))
    with pytest.raises(ConflictError):
        await table.update(created, Stack(name="late"))
    assert (await table.get("a")).value.name == "two"


async def test_update_of_deleted_record_is_refused(table: RecordTable[Stack]) -> None:
    """A deleted record does not come back by an update."""
    created = await table.create("a", Stack(name="one"))
    await table.delete(created)
    with pytest.raises(ConflictError):
        await table.update(created, Stack(name="late"))
    with pytest.raises(NotFoundError):
        await table.get("a")


async def test_delete_of_older_version_is_refused(table: RecordTable[Stack]) -> None:
    """What somebody changed meanwhile is not deleted."""
    created = await table.create("a", Stack(name="one"))
    await table.update(created, Stack(name="two"))
    with pytest.raises(ConflictError):
        await table.delete(created)
    assert (await table.get("a")).value.name == "two"


async def test_deleted_id_can_be_created_again(table: RecordTable[Stack]) -> None:
    """After a deletion the id is free, and its revision goes on growing."""
    created = await table.create("a", Stack(name="one"))
    await table.delete(created)
    again = await table.create("a", Stack(name="two"))
    assert again.revision > created.revision
    assert (await table.get("a")).value.name == "two"


async def test_list_holds_what_is_there(table: RecordTable[Stack]) -> None:
    """A list has every record in its newest version, and none that was deleted."""
    first = await table.create("a", Stack(name="one"))
    await table.create("b", Stack(name="two"))
    gone = await table.create("c", Stack(name="three"))
    newest = await table.update(first, Stack(name="four"))
    await table.delete(gone)
    found = {stored.id: stored for stored in await table.list()}
    assert {name: stored.value.name for name, stored in found.items()} == {"a": "four", "b": "two"}
    assert found["a"].revision == newest.revision


async def test_empty_table_lists_nothing(table: RecordTable[Stack]) -> None:
    """A list ends also where there is nothing to list."""
    assert list(await table.list()) == []


async def test_list_after_deleting_everything_is_empty(table: RecordTable[Stack]) -> None:
    """A table that once held something lists nothing."""
    await table.delete(await table.create("a", Stack(name="one")))
    assert list(await table.list()) == []


async def test_list_while_others_write_names_each_record_once(table: RecordTable[Stack]) -> None:
    """A record that changes during the listing is in the list once."""
    stored = [await table.create(f"r{number}", Stack(name="0")) for number in range(30)]
    over = asyncio.Event()

    async def write() -> None:
        versions = list(stored)
        while not over.is_set():
            for index, version in enumerate(versions):
                versions[index] = await table.update(version, Stack(name=str(version.revision)))

    writer = asyncio.ensure_future(write())
    for _ in range(10):
        ids = [each.id for each in await table.list()]
        assert sorted(ids) == sorted(f"r{number}" for number in range(30))
    over.set()
    await writer


async def test_tables_are_apart(bus: Bus) -> None:
    """The same id in two tables is two records."""
    await bus.table(subjects.STACKS_BUCKET, Stack).create("a", Stack(name="stack"))
    with pytest.raises(NotFoundError):
        await bus.table(subjects.MODELS_BUCKET, Stack).get("a")
