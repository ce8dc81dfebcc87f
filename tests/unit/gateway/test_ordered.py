"""Records in an order, kept up to date."""

from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.bus import StoredRecord
from clearstack_gateway.use_cases.ordered import Key, Ordered
from hypothesis import given
from hypothesis import strategies as st

Sizes = dict[str, int]
_tables = st.lists(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3)), max_size=6)


def _key(stored: StoredRecord[Stack]) -> Key | None:
    """By size; the largest are left out."""
    size = stored.value.size_bytes
    return None if size == 3 else (size, stored.id)


class Table:
    """What a table lists: a record that has not changed is the same object."""

    def __init__(self) -> None:
        self._records: dict[str, StoredRecord[Stack]] = {}

    def become(self, sizes: Sizes) -> list[StoredRecord[Stack]]:
        """The records of these ids and sizes."""
        self._records = {record_id: self._record(record_id, size) for record_id, size in sizes.items()}
        return list(self._records.values())

    def _record(self, record_id: str, size: int) -> StoredRecord[Stack]:
        before = self._records.get(record_id)
        if before is not None and before.value.size_bytes == size:
            return before
        return StoredRecord(id=record_id, value=Stack(size_bytes=size), revision=1)


@given(history=_tables)
def test_order_is_that_of_sorting_anew(history: list[Sizes]) -> None:
    """Whatever comes, goes and changes, the order is the one that sorting all records would give."""
    table, ordered = Table(), Ordered(_key)
    for sizes in history:
        ordered.update(table.become(sizes))
        wanted = sorted((size, record_id) for record_id, size in sizes.items() if size != 3)
        assert ordered.keys == wanted
        assert [(each.value.size_bytes, each.id) for each in ordered.at(ordered.keys)] == wanted
        for record_id, size in sizes.items():
            expected = None if size == 3 else wanted.index((size, record_id))
            assert ordered.position(record_id) == expected
        assert ordered.position("none") is None
