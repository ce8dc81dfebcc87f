"""Uploads: in chunks that can be taken up again, by link, finished once; stacks refused, used, deleted."""

import asyncio
import hashlib
import urllib.request
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1 import stack_service_pb2 as pb
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_service_pb2 import CreateTrainingRequest
from clearstack_common.errors import ClearstackError, InvalidFieldsError, NotFoundError, WrongStateError
from unit.gateway.rig import N2V, Gateway, tiff_bytes

MIB = 1 << 20


@pytest.fixture
async def stack(gateway: Gateway) -> Stack:
    """A stack whose bytes are awaited."""
    stack, _ = await gateway.stacks.create("folder/noisy.tif", "")
    return stack


async def _chunks(data: bytes, offset: int = 0, size: int = MIB) -> AsyncIterator[tuple[int, bytes]]:
    for start in range(offset, len(data), size):
        yield start, data[start : start + size]


async def _these(*chunks: tuple[int, bytes]) -> AsyncIterator[tuple[int, bytes]]:
    for chunk in chunks:
        yield chunk


async def _broken(chunks: Iterable[tuple[int, bytes]]) -> AsyncIterator[tuple[int, bytes]]:
    for chunk in chunks:
        yield chunk
    raise asyncio.CancelledError


async def test_small_stack_is_uploaded_and_validated(gateway: Gateway, stack: Stack) -> None:
    """A stack that was uploaded in chunks is READY, with what it holds."""  # spec: B6
    data = tiff_bytes(3, 32)
    uploaded = await gateway.stacks.upload(stack.name, _chunks(data, size=1000))
    assert (uploaded.state, uploaded.uploaded_bytes) == (pb.STACK_STATE_UPLOADING, len(data))
    ready = await gateway.stacks.finalize(stack.name, len(data), hashlib.sha256(data).hexdigest().upper())
    assert ready.state == pb.STACK_STATE_READY
    assert (ready.info.slice_count, ready.info.height, ready.info.dtype) == (3, 32, "uint16")
    assert ready.info.two_and_half_d_reason.startswith("Insufficient Stack Depth for 2.5D")
    assert ready.display_name == "noisy.tif"
    assert gateway.store.objects[ready.object_key] == data
    assert not [key for key in gateway.store.objects if "/parts/" in key]


async def test_upload_is_taken_up_where_it_was_cut_off(gateway: Gateway, stack: Stack) -> None:
    """After a broken connection the upload goes on at `uploaded_bytes`, as often as it breaks."""
    data = bytes(range(256)) * (19 * MIB // 256) + b"end"
    everything = [(start, data[start : start + MIB]) for start in range(0, len(data), MIB)]
    at = 0
    for _ in range(5):
        upcoming = [chunk for chunk in everything if chunk[0] >= at][:9]
        if len(upcoming) < 9:
            await gateway.stacks.upload(stack.name, _these(*upcoming))
        else:
            with pytest.raises(asyncio.CancelledError):
                await gateway.stacks.upload(stack.name, _broken(upcoming))
        at = (await gateway.stacks.get(stack.name)).uploaded_bytes
    assert at == len(data)
    with pytest.raises(ClearstackError):  # it is no TIFF; but it was joined and compared before
        await gateway.stacks.finalize(stack.name, len(data), hashlib.sha256(data).hexdigest())
    assert (await gateway.stacks.get(stack.name)).sha256 == hashlib.sha256(data).hexdigest()


async def test_upload_ended_early_goes_on_with_any_chunk(gateway: Gateway, stack: Stack) -> None:
    """An upload that ended in the middle of a part is filled up: the store wants large parts."""
    data = bytes(range(256)) * (18 * MIB // 256)
    cuts = [0, 3 * MIB, 3 * MIB + 1, 12 * MIB, len(data)]
    for start, stop in pairwise(cuts):
        await gateway.stacks.upload(stack.name, _chunks(data[:stop], start))
        assert (await gateway.stacks.get(stack.name)).uploaded_bytes == stop
    with pytest.raises(ClearstackError) as caught:
        await gateway.stacks.finalize(stack.name, len(data), hashlib.sha256(data).hexdigest())
    assert caught.value.reason == reasons.ERROR_REASON_NOT_A_TIFF


@pytest.mark.parametrize("offset", [0, 999, 1001, 5000, -1])
async def test_wrong_offset_says_the_right_one(gateway: Gateway, stack: Stack, offset: int) -> None:
    """A chunk that does not begin where the upload stands is refused, and the upload can go on from the offset told."""
    with pytest.raises(ClearstackError) as caught:
        await gateway.stacks.upload(stack.name, _these((0, b"x" * 1000), (offset, b"y")))
    assert caught.value.reason == reasons.ERROR_REASON_UPLOAD_OFFSET_MISMATCH
    assert caught.value.metadata == {"offset": "1000"}
    await gateway.stacks.upload(stack.name, _these((1000, b"y")))
    assert (await gateway.stacks.get(stack.name)).uploaded_bytes == 1001


async def test_large_chunk_is_refused(gateway: Gateway, stack: Stack) -> None:
    """1 MiB is accepted, a byte more is not."""
    await gateway.stacks.upload(stack.name, _these((0, b"x" * MIB)))
    with pytest.raises(InvalidFieldsError, match=str(MIB)):
        await gateway.stacks.upload(stack.name, _these((MIB, b"x" * (MIB + 1))))


async def test_upload_beyond_the_limit_is_refused(gateway: Gateway, stack: Stack) -> None:
    """A file that is larger than the installation takes is refused while it comes, not afterwards."""  # spec: B5
    with pytest.raises(ClearstackError) as caught:
        await gateway.stacks.upload(stack.name, _chunks(b"x" * (20 * MIB + 1)))
    assert caught.value.reason == reasons.ERROR_REASON_TOO_LARGE


async def test_what_came_by_link_is_measured_before_it_is_fetched(gateway: Gateway, stack: Stack) -> None:
    """Nothing is fetched of a file that is larger than allowed, or of another size than announced."""  # spec: B5
    key = stack.object_key
    await gateway.store.put_bytes(key, b"x" * 1000)
    with pytest.raises(ClearstackError) as caught:
        await gateway.stacks.finalize(stack.name, 999, "")
    assert caught.value.reason == reasons.ERROR_REASON_CHECKSUM_MISMATCH
    await gateway.store.put_bytes(key, b"x" * (20 * MIB + 1))
    for _ in range(2):
        with pytest.raises(ClearstackError, match="CLEARSTACK_MAX_UPLOAD_BYTES") as caught:
            await gateway.stacks.finalize(stack.name, 0, "")
        assert caught.value.reason == reasons.ERROR_REASON_TOO_LARGE
    assert gateway.store.num_fetches == 0
    assert (await gateway.stacks.get(stack.name)).state == pb.STACK_STATE_REFUSED
    assert key not in gateway.store.objects


def _put(url: str, data: bytes) -> None:
    request = urllib.request.Request(url, data=data, method="PUT")  # noqa: S310 - our own fake
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200


async def test_a_link_leads_to_no_validated_file(gateway: Gateway) -> None:
    """What is put to a link after the stack was validated changes nothing, and goes with the stack."""
    data, (stack, url) = tiff_bytes(), await gateway.stacks.create("a.tif", "")
    await asyncio.to_thread(_put, url, data)
    ready = await gateway.stacks.finalize(stack.name, len(data), "")
    assert (ready.state, ready.sha256) == (pb.STACK_STATE_READY, hashlib.sha256(data).hexdigest())
    await asyncio.to_thread(_put, url, b"something else")
    assert gateway.store.objects[ready.object_key] == data
    assert (await gateway.stacks.finalize(stack.name, 0, "")).sha256 == ready.sha256
    assert b"".join([part async for part in gateway.stacks.download(stack.name, 0)]) == data
    await gateway.stacks.delete(stack.name, "")
    assert not [key for key in gateway.store.objects if key.startswith(stack.name)]


async def test_a_link_can_be_used_again_until_it_is_right(gateway: Gateway) -> None:
    """Bytes that are not those announced can be put once more; the newest count."""
    data, (stack, url) = tiff_bytes(), await gateway.stacks.create("a.tif", "")
    sha256 = hashlib.sha256(data).hexdigest()
    for wrong in (b"x" * len(data), b"short"):
        await asyncio.to_thread(_put, url, wrong)
        with pytest.raises(ClearstackError) as caught:
            await gateway.stacks.finalize(stack.name, len(data), sha256)
        assert caught.value.reason == reasons.ERROR_REASON_CHECKSUM_MISMATCH
    await asyncio.to_thread(_put, url, data)
    assert (await gateway.stacks.finalize(stack.name, len(data), sha256)).sha256 == sha256


@pytest.mark.parametrize(("size", "sha256"), [(1, ""), (0, "ab" * 32)])
async def test_wrong_announcement_is_refused(gateway: Gateway, stack: Stack, size: int, sha256: str) -> None:
    """Bytes that are not those announced are refused, and can be uploaded again from the start."""
    data = tiff_bytes()
    await gateway.stacks.upload(stack.name, _chunks(data))
    with pytest.raises(ClearstackError) as caught:
        await gateway.stacks.finalize(stack.name, size, sha256)
    assert caught.value.reason == reasons.ERROR_REASON_CHECKSUM_MISMATCH
    assert (await gateway.stacks.get(stack.name)).uploaded_bytes == 0
    await gateway.stacks.upload(stack.name, _chunks(data))
    assert (await gateway.stacks.finalize(stack.name, len(data), "")).state == pb.STACK_STATE_READY


async def test_refused_stack_stays_refused(gateway: Gateway, stack: Stack) -> None:
    """A file that is no stack is refused with its reason, now and at each use, and its bytes are not kept."""  # spec: B1, B6
    await gateway.stacks.upload(stack.name, _these((0, b"this is a letter to my grandmother")))
    for _ in range(2):
        with pytest.raises(ClearstackError) as caught:
            await gateway.stacks.finalize(stack.name, 0, "")
        assert caught.value.reason == reasons.ERROR_REASON_NOT_A_TIFF
    found = await gateway.stacks.get(stack.name)
    assert (found.state, found.failure.reason) == (pb.STACK_STATE_REFUSED, "NOT_A_TIFF")
    assert found.object_key not in gateway.store.objects
    with pytest.raises(ClearstackError, match="TIFF"):
        await gateway.trainings.create(CreateTrainingRequest(stack=stack.name, method=N2V))


async def test_finalizing_nothing_is_refused(gateway: Gateway, stack: Stack) -> None:
    """Without bytes there is nothing to finalize, and nothing to train on."""
    with pytest.raises(WrongStateError, match="No bytes"):
        await gateway.stacks.finalize(stack.name, 0, "")
    with pytest.raises(WrongStateError, match="upload is not finished"):
        await gateway.trainings.create(CreateTrainingRequest(stack=stack.name, method=N2V))


async def test_finished_upload_takes_no_more(gateway: Gateway, stack: Stack) -> None:
    """What was validated is not changed afterwards; finalizing again gives the same."""
    data = tiff_bytes()
    await gateway.stacks.upload(stack.name, _chunks(data))
    first = await gateway.stacks.finalize(stack.name, 0, "")
    assert await gateway.stacks.finalize(stack.name, 0, "") == first
    with pytest.raises(WrongStateError):
        await gateway.stacks.upload(stack.name, _chunks(data))


async def test_impatient_client_finalizes_once(gateway: Gateway, stack: Stack) -> None:
    """Several calls to finalize at once validate once and all get the result."""
    await gateway.stacks.upload(stack.name, _chunks(tiff_bytes()))
    done = await asyncio.gather(*(gateway.stacks.finalize(stack.name, 0, "") for _ in range(3)))
    assert {each.etag for each in done} == {(await gateway.stacks.get(stack.name)).etag}
    assert gateway.store.num_fetches == 1


async def test_same_request_id_is_one_stack(gateway: Gateway) -> None:
    """A hundred announcements with the same id at once make one stack."""
    made = await asyncio.gather(*(gateway.stacks.create("a.tif", "again") for _ in range(100)))
    assert len({stack.name for stack, _ in made}) == 1


async def test_stack_in_use_is_not_deleted(gateway: Gateway) -> None:
    """A stack that a running training needs stays until that is over; then it goes with its bytes."""
    training = await gateway.new_training()
    with pytest.raises(ClearstackError, match=training.name) as caught:
        await gateway.stacks.delete("stacks/s", "")
    assert caught.value.reason == reasons.ERROR_REASON_IN_USE
    await gateway.trainings.cancel(training.name)
    await gateway.stacks.delete("stacks/s", "")
    with pytest.raises(NotFoundError):
        await gateway.stacks.get("stacks/s")
    assert gateway.store.objects == {}


async def test_download_begins_at_offset(gateway: Gateway) -> None:
    """A download can be taken up anywhere, and beyond the end there is nothing."""
    for offset, expected in ((0, b"bytes"), (3, b"es"), (5, b""), (99, b""), (-4, b"bytes")):
        assert b"".join([part async for part in gateway.stacks.download("stacks/s", offset)]) == expected


@pytest.mark.parametrize("max_side", [0, -5, 8, 10_000])
async def test_preview_is_a_picture(gateway: Gateway, stack: Stack, max_side: int) -> None:
    """A slice can be seen as PNG in any size asked for; one that there is not is refused."""
    await gateway.stacks.upload(stack.name, _chunks(tiff_bytes(3, 32)))
    await gateway.stacks.finalize(stack.name, 0, "")
    assert (await gateway.stacks.preview(stack.name, 2, max_side)).startswith(b"\x89PNG")
    for index in (-1, 3):
        with pytest.raises(WrongStateError, match="0 to 2"):
            await gateway.stacks.preview(stack.name, index, max_side)


async def test_incomplete_upload_can_go_on_after_finalize(gateway: Gateway, stack: Stack) -> None:
    """Finalizing too early is refused, names where the upload stands, and loses nothing."""
    await gateway.stacks.upload(stack.name, _chunks(b"x" * 100))
    with pytest.raises(ClearstackError, match="100 of 250 bytes") as refused:
        await gateway.stacks.finalize(stack.name, 250, "")
    assert refused.value.metadata == {"offset": "100"}
    assert (await gateway.stacks.get(stack.name)).uploaded_bytes == 100
