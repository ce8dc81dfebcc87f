"""Files made to harm, uploaded: the refusal reaches the client, and the next upload goes through."""

import resource
from collections.abc import AsyncIterator

import pytest
from chaos.hostile.tiffs import hostile_tiffs
from clearstack.v1 import stack_service_pb2 as pb
from clearstack_common.errors import ClearstackError, reason_from_name
from unit.gateway.rig import Gateway, tiff_bytes

MIB = 1 << 20
WORST = {
    "chains/150 pages that point back, II": "UNREADABLE",
    "chains/overlapping lists, II": "UNREADABLE",
    "claims/200000 x 200000, II": "TOO_LARGE",
    "ome/billion laughs, II": "UNREADABLE",
    "bombs/zstd, 121 MiPixels": "CONSTANT",
}


async def _chunks(data: bytes) -> AsyncIterator[tuple[int, bytes]]:
    for start in range(0, len(data), MIB):
        yield start, data[start : start + MIB]


@pytest.mark.parametrize(("name", "reason"), WORST.items())
async def test_hostile_upload(gateway: Gateway, name: str, reason: str) -> None:
    """Refused with its reason; the gateway has not grown, and takes the next file."""  # spec: B5
    data = next(case for case in hostile_tiffs(0) if str(case) == name).build()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stack, _ = await gateway.stacks.create("hostile.tif", "")
    await gateway.stacks.upload(stack.name, _chunks(data))
    with pytest.raises(ClearstackError) as refused:
        await gateway.stacks.finalize(stack.name, 0, "")
    assert refused.value.reason == reason_from_name(reason)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # KiB
    stack, _ = await gateway.stacks.create("good.tif", "")
    await gateway.stacks.upload(stack.name, _chunks(tiff_bytes()))
    assert (await gateway.stacks.finalize(stack.name, 0, "")).state == pb.STACK_STATE_READY
