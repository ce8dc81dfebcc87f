"""What a page needs beside the calls of other clients: links, samples, parameters, estimates, search."""

import asyncio
import urllib.request

import pytest
from clearstack.v1 import config_pb2, training_pb2
from clearstack.v1 import error_reason_pb2 as reasons
from clearstack.v1 import model_service_pb2 as models_pb
from clearstack.v1 import stack_service_pb2 as pb
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack.v1.training_service_pb2 import EstimateTrainingRequest, EstimateTrainingResponse
from clearstack_common.errors import ClearstackError, InvalidFieldsError, WrongStateError
from clearstack_gateway.use_cases.estimates import Estimates
from clearstack_gateway.use_cases.sample_stacks import SAMPLES, create_sample
from clearstack_gateway.use_cases.uploads import Upload
from unit.gateway.rig import Gateway, tiff_bytes
from unit.gateway.test_models_import import a_model, imports, serve

_PART = 16 << 20


def _put(url: str, data: bytes) -> None:
    urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT")).close()  # noqa: S310


async def test_an_upload_by_links_is_taken_up_again(gateway: Gateway) -> None:
    """Links lead to what is missing, in any order, until nothing is; then the file is whole."""
    data = tiff_bytes() + bytes(_PART)
    stack, _ = await gateway.stacks.create("a.tif", "")
    links, arrived = await gateway.stacks.upload_links(stack.name, len(data))
    assert [(link.offset, link.size_bytes) for link in links] == [(0, _PART), (_PART, len(data) - _PART)]
    assert arrived == 0
    await asyncio.to_thread(_put, links[1].url, data[_PART:])
    [left], arrived = await gateway.stacks.upload_links(stack.name, len(data))
    assert (left.offset, arrived) == (0, len(data) - _PART)
    await asyncio.to_thread(_put, left.url, data[:_PART])
    assert await gateway.stacks.upload_links(stack.name, len(data)) == ([], len(data))
    assert (await gateway.stacks.finalize(stack.name, len(data), "")).state == pb.STACK_STATE_READY
    with pytest.raises(WrongStateError):
        await gateway.stacks.upload_links(stack.name, len(data))


async def test_a_part_that_was_cut_off_is_missing(gateway: Gateway) -> None:
    """Its size tells."""
    stack, _ = await gateway.stacks.create("a.tif", "")
    [link], _ = await gateway.stacks.upload_links(stack.name, 1000)
    await asyncio.to_thread(_put, link.url, bytes(999))
    assert (await gateway.stacks.upload_links(stack.name, 1000))[1] == 0


@pytest.mark.parametrize("size_bytes", [0, -1])
async def test_a_file_of_no_size(gateway: Gateway, size_bytes: int) -> None:
    """Has no parts."""
    stack, _ = await gateway.stacks.create("a.tif", "")
    with pytest.raises(InvalidFieldsError):
        await gateway.stacks.upload_links(stack.name, size_bytes)


async def test_links_are_few_at_a_time_for_the_largest_file(gateway: Gateway) -> None:
    """As many parts as the store can join, and 32 links in an answer."""
    most = 200 << 30
    upload = Upload(gateway.store, "s", most, asyncio.Semaphore())
    links, _ = await upload.missing(most, 60)
    assert len(links) == 32
    assert most / links[0].size_bytes < 10_000
    with pytest.raises(ClearstackError) as raised:
        await upload.missing(most + 1, 60)
    assert raised.value.reason == reasons.ERROR_REASON_TOO_LARGE


async def test_a_link_to_a_stack(gateway: Gateway) -> None:
    """Gives the file, with a name that a person may keep."""
    stack = await create_sample(gateway.stacks, "white", "", "")
    link = await gateway.stacks.link(stack.name)
    with await asyncio.to_thread(urllib.request.urlopen, link.url) as response:
        assert len(response.read()) == link.size_bytes == stack.size_bytes
    assert (link.file_name, link.sha256) == ("sample-white.tif", stack.sha256)


@pytest.mark.parametrize("sample", [each.id for each in SAMPLES])
async def test_every_sample_can_be_made(gateway: Gateway, sample: str) -> None:
    """It is as announced, and asking twice makes one."""
    announced = next(each for each in SAMPLES if each.id == sample)
    stack = await create_sample(gateway.stacks, sample, "r", "")
    assert stack.state == pb.STACK_STATE_READY
    assert (stack.info.slice_count, stack.info.height) == (announced.slice_count, announced.height)
    assert stack.info.two_and_half_d_possible
    assert (await create_sample(gateway.stacks, sample, "r", "")).name == stack.name


async def test_search(gateway: Gateway) -> None:
    """By letters of the name or the id, large or small, over pages."""
    for name in ("Embryo 1.tif", "embryo 2.tif", "other.tif"):
        await gateway.stacks.create(name, "")
    found, token = await gateway.stacks.list(1, "", include_results=False, letters="EMBRYO")
    rest, end = await gateway.stacks.list(1, token, include_results=False, letters="EMBRYO")
    assert [stack.display_name for stack in (*found, *rest)] == ["embryo 2.tif", "Embryo 1.tif"]
    assert end == ""
    assert await gateway.stacks.list(9, "", include_results=True, letters="nothing") == ([], "")


async def test_a_model_by_links(gateway: Gateway) -> None:
    """The files are put, then checked as any import; done again, the same model comes."""
    gateway.start(gateway.upkeep.apply_events())
    use_case = imports(gateway)
    name, links = await use_case.links("r", ["config.json", "stage1/weights.pth"])
    with pytest.raises(WrongStateError):
        await use_case.take_linked(name, "")
    for link in links:
        await asyncio.to_thread(_put, link.url, link.path.encode())
    model, job = await asyncio.gather(use_case.take_linked(name, "mine"), serve(gateway, a_model()))
    assert (model.state, model.display_name) == (models_pb.MODEL_STATE_READY, "mine")
    sizes = {file.file_name: file.size_bytes for file in job.import_model.files}
    assert sizes == {"config.json": 11, "stage1/weights.pth": 18}
    assert not any("/linked/" in file.object_key for file in job.import_model.files)
    assert not [key for key in gateway.store.objects if "/upload/" in key]
    assert (await use_case.take_linked(name, "")).name == model.name


@pytest.mark.parametrize("names", [[], ["../../etc/passwd"], ["config.json", "stage3/weights.pth"]])
async def test_files_that_no_model_has(gateway: Gateway, names: list[str]) -> None:
    """Get no link."""
    with pytest.raises(InvalidFieldsError):
        await imports(gateway).links("", names)


async def test_a_model_that_is_too_large(gateway: Gateway) -> None:
    """Is refused before anything is copied, and removed."""
    use_case = imports(gateway, max_model_bytes=10)
    name, [link] = await use_case.links("", ["archive.zip"])
    await asyncio.to_thread(_put, link.url, bytes(11))
    with pytest.raises(ClearstackError) as raised:
        await use_case.take_linked(name, "")
    assert raised.value.reason == reasons.ERROR_REASON_TOO_LARGE
    assert not [key for key in gateway.store.objects if "imported" in key]


async def test_estimates_follow_the_last_training(gateway: Gateway) -> None:
    """Before there was one they are for two cores; ten times the speed is a tenth of the time; epochs count."""
    estimates = Estimates(gateway.tables, gateway.trainings)
    request = EstimateTrainingRequest(
        stack="stacks/s", method=config_pb2.METHOD_N2V, preset=config_pb2.PRESET_FAST
    )
    request.config.stage1.patch_size = 16
    first = await estimates.estimate(request)
    assert first.seconds == sum(first.stage_seconds) > 0
    assert first.device == ""
    request.config.stage1.epochs = 1000
    assert (await estimates.estimate(request)).seconds > 20 * first.seconds
    name = (await gateway.new_training()).name
    slow = await _with_speed(gateway, estimates, request, name, 10)
    fast = await _with_speed(gateway, estimates, request, name, 100)
    assert fast.seconds == pytest.approx(slow.seconds / 10)
    assert (fast.device, len(fast.stage_seconds)) == ("gpu", 1)


async def _with_speed(
    gateway: Gateway, estimates: Estimates, request: EstimateTrainingRequest, name: str, speed: float
) -> EstimateTrainingResponse:
    stored = await gateway.tables.trainings.get(name.rpartition("/")[2])
    record = TrainingRecord()
    record.CopyFrom(stored.value)
    record.training.stages[0].state = training_pb2.STAGE_STATE_COMPLETE
    record.training.stages[0].device = "gpu"
    record.training.stages[0].progress.patches_per_second = speed
    await gateway.tables.trainings.update(stored, record)
    return await estimates.estimate(request)
