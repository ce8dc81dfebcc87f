import asyncio
from pathlib import Path

import numpy as np
import pytest
from clearstack.v1 import denoising_service_pb2, stack_service_pb2
from clearstack_client import AsyncClient, ClearstackError, Client, NotReachable, Progress, RunEnded, wire
from unit.cli.fake_gateway import FakeGateway

_STACK_ZYX = np.random.default_rng(3).integers(0, 1000, (3, 40, 48), dtype=np.uint16)


def test_one_call_denoises_an_array(client: Client, gateway: FakeGateway) -> None:
    """Array in, array out, of the same shape and dtype; progress goes from upload to download."""
    told: list[Progress] = []
    clean_ZYX = client.denoise(
        _STACK_ZYX, preset="fast", config={"stage1": {"epochs": 3}}, progress=told.append
    )
    assert (clean_ZYX.shape, clean_ZYX.dtype) == (_STACK_ZYX.shape, _STACK_ZYX.dtype)
    assert gateway.created[0].config.stage1.epochs == 3
    assert gateway.created[0].auto_approve
    assert gateway.created[0].request_id
    phases = [each.phase for each in told]
    assert (phases[0], phases[-1]) == ("uploading", "downloading")
    assert told[-1].fraction == 1.0


def test_one_slice_keeps_its_two_axes(client: Client) -> None:
    """An image comes back as an image, not as a stack of one."""
    assert client.denoise(_STACK_ZYX[0]).shape == _STACK_ZYX.shape[1:]


def test_the_same_by_asyncio(endpoint: str) -> None:
    """Awaited, three at a time."""

    async def all_three() -> list[tuple[int, ...]]:
        async with AsyncClient(endpoint) as client:
            cleaned = await asyncio.gather(*(client.denoise(_STACK_ZYX + each) for each in range(3)))
            stacks = [each.name async for each in client.stacks.list()]
            assert len(stacks) >= 3
            return [each.shape for each in cleaned]

    assert asyncio.run(all_three()) == [_STACK_ZYX.shape] * 3


@pytest.mark.parametrize("shape", [(4, 4, 4, 4), (7,)])
def test_an_array_with_other_axes_is_refused_here(client: Client, shape: tuple[int, ...]) -> None:
    """Before anything is sent, and in words."""
    with pytest.raises(ClearstackError, match=r"slices, rows, columns"):
        client.stacks.upload(np.zeros(shape, np.uint16))
    with pytest.raises(ClearstackError, match="no grey values"):
        client.stacks.upload(np.zeros((4, 4), bool))


def test_pixel_sizes_travel_with_an_array(client: Client, gateway: FakeGateway) -> None:
    """They are in the file that is sent; the file is the same each time, so that it can be taken up."""
    for _ in range(2):
        name = client.stacks.upload(_STACK_ZYX, pixel_size_um=0.1, z_step_um=0.5).name
    sent = set(gateway.files.values())
    assert len(sent) == 1
    assert b'PhysicalSizeX="0.1"' in gateway.files[name]
    assert b'PhysicalSizeZ="0.5"' in gateway.files[name]


def test_a_cut_upload_goes_on_where_it_was(client: Client, gateway: FakeGateway, tmp_path: Path) -> None:
    """What has arrived is not sent again."""
    path = tmp_path / "noisy.tif"
    path.write_bytes(np.random.default_rng(0).bytes(3 << 20))
    gateway.cut_upload_after = 1 << 20
    told: list[Progress] = []
    stack = client.stacks.upload(path, progress=told.append)
    assert gateway.files[stack.name] == path.read_bytes()
    assert told[-1].done == 3 << 20


def test_refusals_carry_reason_and_fields(client: Client, gateway: FakeGateway) -> None:
    """For programs the reason and the fields, for people the sentences."""
    gateway.refuse_config = {"config.stage1.epochs": "must be 1 to 10000"}
    with pytest.raises(ClearstackError, match=r"config\.stage1.epochs: must be 1 to 10000") as refused:
        client.trainings.create("stacks/x")
    assert refused.value.reason == "INVALID_FIELDS"
    assert refused.value.violations == gateway.refuse_config
    with pytest.raises(ClearstackError) as missing:
        client.stacks.get("stacks/none")
    assert missing.value.reason == "RESOURCE_NOT_FOUND"


def test_a_failed_run_is_an_error_with_its_reason(client: Client, gateway: FakeGateway) -> None:
    """The run's own sentence."""
    gateway.fail_with = "Not enough memory."
    with pytest.raises(RunEnded, match="Not enough memory") as failed:
        client.denoise(_STACK_ZYX)
    assert failed.value.run.startswith("trainings/")
    assert not failed.value.is_cancelled


def test_what_does_not_exist_is_said_before_anything_is_sent(client: Client, gateway: FakeGateway) -> None:
    """Words that nobody knows, fields that are none."""
    with pytest.raises(ClearstackError, match="no preset 'best'"):
        client.trainings.create("stacks/x", preset="best")  # type: ignore[arg-type]
    with pytest.raises(ClearstackError, match="epoch"):
        client.trainings.create("stacks/x", config={"stage1": {"epoch": 5}})
    assert not gateway.created


def test_nobody_there_is_said_soon() -> None:
    """A wrong address is not waited for as an installation that was there is."""
    with Client("127.0.0.1:1") as client, pytest.raises(NotReachable, match=r"127\.0\.0\.1:1"):
        client.trainings.presets()


def test_a_token_is_sent_in_every_call_and_never_in_the_open(endpoint: str) -> None:
    """Beyond this machine it wants TLS."""
    with Client(endpoint, token="cs_secret") as client:  # noqa: S106 - no token
        assert client.stacks.upload(_STACK_ZYX).name
    with pytest.raises(ClearstackError, match="for everybody to read"):
        Client("lab.example:7443", token="cs_secret")  # noqa: S106
    with pytest.raises(ClearstackError, match="CLEARSTACK_ENDPOINT"):
        Client()


def test_only_what_can_be_repeated_is_repeated() -> None:
    """Reads, and what carries a request_id; never a deletion."""
    stacks = stack_service_pb2.DESCRIPTOR.services_by_name["StackService"].methods_by_name
    denoisings = denoising_service_pb2.DESCRIPTOR.services_by_name["DenoisingService"].methods_by_name
    assert wire.is_repeatable(stacks["GetStack"])
    assert wire.is_repeatable(stacks["CreateStack"])
    assert wire.is_repeatable(denoisings["CreateDenoising"])
    assert not wire.is_repeatable(stacks["DeleteStack"])


class _Recorder:
    """A channel that remembers the metadata of its calls."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def unary_unary(self, method: str, **_: object) -> object:
        """As gRPC's."""
        return lambda request, metadata=(), **rest: self.seen.append((method, request, metadata, rest))


def test_the_token_stands_beside_other_metadata() -> None:
    """Nothing that a caller gives is lost."""
    channel = _Recorder()
    call = wire.signed(channel, "cs_secret").unary_unary("/x")
    call("request", metadata=(("a", "b"),), timeout=3)  # type: ignore[operator]
    expected = (("a", "b"), ("authorization", "Bearer cs_secret"))
    assert channel.seen == [("/x", "request", expected, {"timeout": 3})]
    assert wire.signed(channel, "") is channel
