"""Many uploads at once: each gets on, and they leave room for all others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from clearstack.v1.model_service_pb2 import StoredFile
from clearstack_gateway.servicers.decoding import DecodingInterceptor
from fakes import FakeStore
from unit.gateway.rig import Gateway

_MIB = 1 << 20
_CHUNK = bytes(_MIB)
_UPLOADS = 12


class _SlowStore(FakeStore):
    """Takes a few turns of the loop for each object, and counts how many are being written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.most_at_once = 0
        self._now = 0

    async def put_bytes(self, key: str, data: bytes) -> StoredFile:
        """Stores some bytes, slowly."""
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        for _ in range(10):
            await asyncio.sleep(0)
        self._now -= 1
        return await super().put_bytes(key, data)


async def test_few_parts_are_in_hand_at_once(tmp_path: Path) -> None:
    """A dozen uploads come to their end, and only some of them put a part into the store at any time."""
    store = _SlowStore()
    stacks = Gateway(tmp_path, store=store).stacks
    created = [await stacks.create(f"{number}.tif", "") for number in range(_UPLOADS)]
    done = await asyncio.gather(*(stacks.upload(stack.name, _chunks(9)) for stack, _ in created))
    assert [stack.uploaded_bytes for stack in done] == [9 * _MIB] * _UPLOADS
    assert 1 < store.most_at_once <= 4


async def _chunks(num_mib: int) -> AsyncIterator[tuple[int, bytes]]:
    for number in range(num_mib):
        yield number * _MIB, _CHUNK


class _Details(grpc.HandlerCallDetails):
    method = "/clearstack.v1.StackService/UploadStack"
    invocation_metadata = ()


async def test_one_message_of_all_streams_is_decoded_in_a_turn() -> None:
    """However many streams have a message waiting, the loop comes round to others after each one."""
    turn, decoded = 0, []

    def decode(data: bytes) -> bytes:
        decoded.append(turn)
        return data

    async def count(requests: AsyncIterator[bytes], _: Any) -> int:
        return len([data async for data in requests])

    async def ready() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"message"

    async def handler(_: grpc.HandlerCallDetails) -> Any:
        return grpc.stream_unary_rpc_method_handler(count, request_deserializer=decode)

    async def tick() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    found = await DecodingInterceptor().intercept_service(handler, _Details())
    ticking = asyncio.ensure_future(tick())
    counts = await asyncio.gather(*(found.stream_unary(ready(), None) for _ in range(20)))
    ticking.cancel()
    assert counts == [5] * 20
    assert max(Counter(decoded).values()) <= 2  # two neighbouring turns may lie between two ticks
