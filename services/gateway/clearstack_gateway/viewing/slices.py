"""Slices of stacks in the object store, as pyramids; those used last are kept."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, TypeVar, cast
from weakref import WeakValueDictionary

from clearstack.v1 import error_reason_pb2
from clearstack.v1.stack_service_pb2 import STACK_ORIGIN_UPLOAD, Stack
from clearstack_common.errors import ClearstackError, NotFoundError, reason_from_name
from clearstack_common.objects import ObjectStore
from clearstack_stacks.errors import StackRefused
from clearstack_stacks.pyramid import Pyramid, build_pyramid, pyramid_bytes
from clearstack_stacks.slices import SliceTable, find_slices, read_slice

from clearstack_gateway.use_cases.stacks import table_key
from clearstack_gateway.viewing.budget import Budget
from clearstack_gateway.viewing.range_file import RangeFile

T = TypeVar("T")
# Object and content: what has the same key later may be another file.
Key = tuple[str, str]

# More would take the processor from the calls of others.
_AT_ONCE = 2
_TABLES_BYTES = 8 << 20
_TABLE_BYTES = 500  # of a table without its pages
_READ_TIMEOUT_S = 60.0


class Slices:
    """Reads slices by ranges of the stored files.

    Args:
        store: Where the files are.
        most_bytes: Of the slices that are kept; a slice that takes more is not shown at all.
    """

    def __init__(self, store: ObjectStore, most_bytes: int) -> None:
        self._store = store
        self._most_bytes = most_bytes
        self._pyramids: Budget[tuple[Key, int], Pyramid] = Budget(most_bytes, lambda found: found.num_bytes)
        self._tables: Budget[Key, SliceTable] = Budget(
            _TABLES_BYTES, lambda table: _TABLE_BYTES + table.page_offsets.nbytes
        )
        self._reading: WeakValueDictionary[tuple[Key, int], asyncio.Lock] = WeakValueDictionary()
        # Threads of its own: who asks and goes away before its turn takes nobody else's.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="slices")

    async def pyramid(self, stack: Stack, z: int) -> Pyramid:
        """A slice of a stack that is ready; `z` from 0 and in its range.

        Raises:
            ClearstackError: TOO_LARGE, or the file is not what it was.
        """
        key = (stack.object_key, stack.sha256)
        # Whoever wants the same slice meanwhile waits for it.
        async with self._reading.setdefault((key, z), asyncio.Lock()):
            if (kept := self._pyramids.get((key, z))) is not None:
                return kept
            known = self._tables.get(key) or await self._kept_table(stack)
            table, made = await self._run(lambda file: self._read(file, known, z), stack)
            self._tables.put(key, table)
            self._pyramids.put((key, z), made)
            return made

    async def _kept_table(self, stack: Stack) -> SliceTable | None:
        if stack.origin != STACK_ORIGIN_UPLOAD:  # results lie in one run
            return None
        try:
            return SliceTable.from_json(await self._store.get_bytes(table_key(stack)))
        except NotFoundError:
            return None

    def _read(self, file: BinaryIO, table: SliceTable | None, z: int) -> tuple[SliceTable, Pyramid]:
        table = table or find_slices(file)
        if pyramid_bytes(*table.shape_ZYX[1:], table.dtype) > self._most_bytes:
            raise _too_large(self._most_bytes)
        return table, build_pyramid(read_slice(file, table, z))

    async def _run(self, work: Callable[[BinaryIO], T], stack: Stack) -> T:
        loop = asyncio.get_running_loop()

        def read_range(offset: int, length: int) -> bytes:
            reading = self._store.read_range(stack.object_key, offset, length)
            return asyncio.run_coroutine_threadsafe(reading, loop).result(_READ_TIMEOUT_S)

        file = cast("BinaryIO", RangeFile(read_range, stack.size_bytes))
        try:
            return await loop.run_in_executor(self._threads, work, file)
        except StackRefused as refused:
            raise ClearstackError(refused.message, reason=reason_from_name(refused.reason)) from refused


def _too_large(most_bytes: int) -> ClearstackError:
    return ClearstackError(
        f"The slices of this stack are too large to be shown here (more than {most_bytes >> 20} MiB each); everything "
        "else works. Download the stack to look at it, or ask whoever runs this installation to raise "
        "CLEARSTACK_VIEWER_BYTES.",
        reason=error_reason_pb2.ERROR_REASON_TOO_LARGE,
    )
