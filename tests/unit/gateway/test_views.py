"""What a viewer is shown: squares of slices that are read by ranges, with a bounded memory."""

import asyncio
import io
from collections.abc import AsyncIterator

import numpy as np
import pytest
import tifffile
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1 import stack_service_pb2 as pb
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.errors import ClearstackError, InvalidFieldsError, NotFoundError
from clearstack_gateway.viewing.budget import Budget
from clearstack_gateway.viewing.range_file import RangeFile
from clearstack_gateway.viewing.views import Views
from unit.gateway.rig import Gateway

_STACK_ZYX = np.random.default_rng(0).integers(0, 4000, (9, 300, 520), dtype=np.uint16)


@pytest.fixture
async def views(gateway: Gateway) -> Views:
    """Of a gateway that has `stacks/v` with 9 slices of 300 × 520 px, compressed."""
    stack = await gateway.ready_stack("v", num_slices=9)
    file = io.BytesIO()
    tifffile.imwrite(file, _STACK_ZYX, compression="zlib", metadata={"axes": "ZYX"})
    gateway.store.objects[stack.object_key] = file.getvalue()
    stored = await gateway.tables.stacks.get("v")
    changed = Stack()
    changed.CopyFrom(stored.value)
    changed.size_bytes = len(file.getvalue())
    changed.info.height, changed.info.width, changed.info.slice_count = 300, 520, 9
    await gateway.tables.stacks.update(stored, changed)
    return Views(gateway.stacks, gateway.store, 4 << 20)


async def test_tiles_of_any_slice(views: Views) -> None:
    """Little-endian samples of the square that was asked for."""
    view = await views.view("stacks/v")
    assert (view.slice_count, view.height, view.width, view.tile_size) == (9, 300, 520, 256)
    assert [(level.height, level.width) for level in view.levels] == [(300, 520), (150, 260), (75, 130)]
    assert view.minimum <= view.low < view.high <= view.maximum
    request = pb.GetStackTileRequest(name="stacks/v", slice=7, level=0, column=2, row=1)
    tile = await views.tile(request)
    assert (tile.height, tile.width, tile.format) == (44, 8, pb.SAMPLE_FORMAT_UINT16)
    samples = np.frombuffer(tile.samples, "<u2").reshape(44, 8)
    np.testing.assert_array_equal(samples, _STACK_ZYX[7, 256:, 512:])


async def test_a_slice_is_read_once(views: Views, gateway: Gateway) -> None:
    """However many ask for it at the same moment; of the file only what is needed."""
    read: list[int] = []
    whole = gateway.store.read_range

    async def counted(key: str, offset: int, length: int) -> bytes:
        read.append(length)
        return await whole(key, offset, length)

    gateway.store.read_range = counted  # type: ignore[method-assign]
    wanted = [pb.GetStackTileRequest(name="stacks/v", slice=3, column=column) for column in (0, 1, 2)]
    await asyncio.gather(*(views.tile(each) for each in wanted))
    num_reads = len(read)
    await views.tile(wanted[0])
    assert len(read) == num_reads
    assert gateway.store.num_fetches == 0


@pytest.mark.parametrize("wrong", [{"slice": 9}, {"slice": -1}, {"level": 3}, {"column": 3}, {"row": 2}])
async def test_beyond_the_stack(views: Views, wrong: dict[str, int]) -> None:
    """The field is named, with what there is."""
    with pytest.raises(InvalidFieldsError) as raised:
        await views.tile(pb.GetStackTileRequest(name="stacks/v", **wrong))
    assert [field for field, _ in raised.value.violations] == list(wrong)


async def test_what_cannot_be_shown(views: Views, gateway: Gateway) -> None:
    """A stack that is not there, a slice beyond the memory for it, a file that was damaged since."""
    with pytest.raises(NotFoundError):
        await views.view("stacks/none")
    with pytest.raises(ClearstackError) as raised:
        await Views(gateway.stacks, gateway.store, 100_000).view("stacks/v")
    assert raised.value.reason == reasons.ERROR_REASON_TOO_LARGE
    key = (await gateway.stacks.get("stacks/v")).object_key
    gateway.store.objects[key] = bytes(len(gateway.store.objects[key]))
    with pytest.raises(ClearstackError) as raised:
        await Views(gateway.stacks, gateway.store, 4 << 20).view("stacks/v")
    assert raised.value.reason == reasons.ERROR_REASON_UNREADABLE


async def test_pages_are_found_once_while_the_file_is_here(gateway: Gateway) -> None:
    """A look at a stack of many pages needs few reads; the table goes with the stack."""
    file = io.BytesIO()
    tifffile.imwrite(file, _STACK_ZYX[:, :32, :32], compression="zlib", metadata={"axes": "ZYX"})
    stack, _ = await gateway.stacks.create("a.tif", "")

    async def whole() -> AsyncIterator[tuple[int, bytes]]:
        yield 0, file.getvalue()

    await gateway.stacks.upload(stack.name, whole())
    await gateway.stacks.finalize(stack.name, 0, "")
    assert f"{stack.name}/slices.json" in gateway.store.objects
    await Views(gateway.stacks, gateway.store, 4 << 20).view(stack.name)
    await gateway.stacks.delete(stack.name, "")
    assert not [key for key in gateway.store.objects if key.startswith(stack.name)]


def test_a_file_out_of_ranges() -> None:
    """Reads as any file does, at any place, across blocks and at the end."""
    data = np.random.default_rng(2).bytes(700_000)
    file = RangeFile(lambda offset, length: data[offset : offset + length], len(data))
    plain = io.BytesIO(data)
    rng = np.random.default_rng(3)
    for _ in range(200):
        offset, size = int(rng.integers(0, 710_000)), int(rng.integers(0, 300_000))
        assert file.seek(offset) == plain.seek(offset)
        assert file.read(size) == plain.read(size)
        assert file.tell() == plain.tell()
    assert file.seek(-10, io.SEEK_END) == 699_990
    assert file.read() == data[-10:]


def test_the_memory_is_bounded() -> None:
    """What was used last stays; what is larger than everything is not kept."""
    budget: Budget[int, bytes] = Budget(100, len)
    for number in range(50):
        budget.put(number, bytes(30))
        budget.get(0)
        assert budget.num_bytes <= 100
    assert budget.get(0) is not None
    assert budget.get(48) is not None
    assert budget.get(1) is None
    budget.put(0, bytes(101))
    assert budget.get(0) is None
