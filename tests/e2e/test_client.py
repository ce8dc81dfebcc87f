"""The client package against a real installation."""

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
from clearstack.v1 import training_pb2
from clearstack.v1.stack_service_pb2 import CreateStackRequest
from clearstack_client import AsyncClient, Client, Progress, RunEnded
from clearstack_client.files import sha256_of, upload_id
from e2e.support import configs, tiffs
from e2e.support.api import CHUNK_BYTES, Api
from e2e.support.installation import RunningInstallation
from google.protobuf import json_format
from numpy.typing import NDArray

_CONFIG = json_format.MessageToDict(configs.n2v(), preserving_proto_field_name=True)


def test_arrays_in_and_out(installation: RunningInstallation) -> None:
    """Blocking or awaited, several at a time; shape and dtype stay; the model serves the next array."""
    noisy_ZYX = tiffs.noise()
    told: list[Progress] = []
    with Client(installation.endpoint) as client:
        clean_ZYX = client.denoise(noisy_ZYX, config=_CONFIG, pixel_size_um=0.2, progress=told.append)
        assert (clean_ZYX.shape, clean_ZYX.dtype) == (noisy_ZYX.shape, noisy_ZYX.dtype)
        assert clean_ZYX.std() < noisy_ZYX.std()
        assert {"uploading", "training", "downloading"} <= {each.phase for each in told}
        training = next(client.trainings.list())
        assert client.stacks.get(training.result_stack).info.pixel_size_um == pytest.approx(0.2)
        model = training.model

    async def three() -> list[NDArray[Any]]:
        async with AsyncClient(installation.endpoint) as awaited:
            runs = (awaited.denoise(noisy_ZYX[z], model=model, output_dtype="float32") for z in range(3))
            return list(await asyncio.gather(*runs))

    for found_YX in asyncio.run(three()):
        assert (found_YX.shape, found_YX.dtype.name) == (noisy_ZYX.shape[1:], "float32")


def test_a_restarted_program_goes_on_with_its_upload(
    installation: RunningInstallation, api: Api, tmp_path: Path
) -> None:
    """What an earlier process has sent is not sent again."""
    path = tiffs.write(tmp_path / "noisy.tif", tiffs.noise(num_slices=12, side_px=512))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert sha256_of(path) == sha256
    # What a program does until it is killed.
    request = CreateStackRequest(display_name=path.name, request_id=upload_id(path.name, sha256))
    name = api.stacks.CreateStack(request).stack.name
    (tmp_path / "part.tif").write_bytes(path.read_bytes()[: 2 * CHUNK_BYTES])
    api.send(name, tmp_path / "part.tif")
    begun_at = api.stack(name).uploaded_bytes
    assert begun_at > 0
    told: list[Progress] = []
    with Client(installation.endpoint) as client:
        stack = client.stacks.upload(path, progress=told.append)
        assert (stack.name, stack.sha256) == (name, sha256)
        assert min(each.done for each in told) > begun_at
        assert client.stacks.upload(path).name == name
        again = client.stacks.download(name, tmp_path / "back.tif")
    assert again.read_bytes() == path.read_bytes()


def test_who_stops_cancels_the_run(installation: RunningInstallation, api: Api) -> None:
    """An error of the progress callback, as Ctrl-C, ends the training, too; a cancelled run says so."""
    runs: list[str] = []

    def stop(progress: Progress) -> None:
        if progress.run:
            runs.append(progress.run)
            raise KeyboardInterrupt

    long = json_format.MessageToDict(configs.n2v(epochs=5000), preserving_proto_field_name=True)
    with Client(installation.endpoint) as client:
        with pytest.raises(KeyboardInterrupt):
            client.denoise(tiffs.noise(), config=long, progress=stop)
        api.until(runs[0], training_pb2.TRAINING_STATE_CANCELLED)
        with pytest.raises(RunEnded, match="was cancelled") as ended:
            client.trainings.wait(runs[0])
        assert ended.value.is_cancelled


@pytest.mark.timeout(180)
def test_a_watch_survives_the_gateway(victim: RunningInstallation, tmp_path: Path) -> None:
    """The gateway is killed under a watch and an upload follows: nothing is missed, nothing comes twice."""
    told: list[str] = []
    seen, killed = list[int](), threading.Event()
    with Client(victim.endpoint, tell=told.append) as client:
        stack = client.stacks.upload(tiffs.write_noise(tmp_path / "noisy.tif"))
        config = json_format.MessageToDict(configs.n2v(epochs=60), preserving_proto_field_name=True)
        training = client.trainings.create(stack.name, config=config)
        epochs: list[int] = []
        for item in client.trainings.watch(training.name):
            if item.sequence:
                seen.append(item.sequence)
            if item.event.HasField("epoch_completed"):
                epochs.append(item.event.epoch_completed.progress.epoch)
            if len(epochs) == 3 and not killed.is_set():
                victim.kill("gateway")
                killed.set()
        assert client.trainings.get(training.name).state == training_pb2.TRAINING_STATE_COMPLETE
        later = [each.sequence for each in client.trainings.watch(training.name, after_sequence=seen[4])]
    assert killed.is_set()
    assert epochs == list(range(1, 61))
    assert seen == sorted(set(seen))
    assert [each for each in later if each] == seen[5:]
    assert told[0].startswith("Connection lost")
