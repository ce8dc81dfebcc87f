"""Rebuild and backup: the broker's data is lost, or the whole machine."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chaos.support.ports import own_port
from chaos.support.recorder import Recorder
from clearstack.v1 import denoising_pb2, training_pb2
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest, GetDenoisingRequest
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import Training
from e2e.support import backends, configs, tiffs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until

_WITHIN_S = 120.0
_COPIED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What there was before the loss."""

    done: Training
    waiting: Training
    stack: Stack
    result_sha256: str
    denoised_sha256: str
    listed: dict[str, Any]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    """One whose broker loses its data."""
    running = RunningInstallation(data=tmp_path_factory.mktemp("rebuild") / "data", options=own_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def before(installation: RunningInstallation, tmp_path_factory: pytest.TempPathFactory) -> Before:
    """A training that is complete, a denoising with its model, and a training that waits for a person."""
    api = Api(installation.endpoint)
    path = tmp_path_factory.mktemp("rows") / "rows.tif"
    tiffs.write_sample(path, "rows", num_slices=6, side_px=64)
    stack = api.upload(path)
    config = configs.two_stages()
    waiting = api.train(stack, config, method=AUTOSTRUCTN2V, request_id="waiting")
    done = api.train(stack, config, method=AUTOSTRUCTN2V, auto_approve=True, request_id="done")
    waiting = api.until(waiting.name, training_pb2.TRAINING_STATE_AWAITING_REVIEW, within_s=_WITHIN_S)
    done = api.until_complete(done.name, _WITHIN_S)
    return Before(
        done=done,
        waiting=waiting,
        stack=stack,
        result_sha256=api.stack(done.result_stack).sha256,
        denoised_sha256=_denoised(api, stack, done),
        listed=_listed(installation),
    )


def test_what_the_broker_has_lost_is_rebuilt(
    installation: RunningInstallation, before: Before, tmp_path: Path, figure: Recorder
) -> None:
    """The broker's data is wiped: everything is listed as before, works as before, and what waited goes on."""  # spec: D8
    _until_copied(installation)
    installation.stop()
    shutil.rmtree(installation.data / "broker")
    installation.start()
    assert not _listed(installation)["stacks"]

    rebuilt = _rebuilt(installation)
    restored = _restored(rebuilt)
    listed = _listed(installation)
    figure(
        "what the broker has lost comes back from the object store",
        "the broker's folder is deleted; `clearstack admin rebuild`",
        f"{restored} records restored, {len(rebuilt.get('problems', []))} problems; lists and checksums equal",
    )
    assert not rebuilt.get("problems")
    assert listed == before.listed
    _works(Api(installation.endpoint), before, tmp_path)
    assert _restored(_rebuilt(installation)) == 0, "a second rebuild finds nothing to do"


def test_review_goes_on_after_a_rebuild(installation: RunningInstallation, before: Before) -> None:
    """Approved after the loss, stage 2 is trained: the new broker's tokens are larger than the old one's."""  # spec: D8, D10
    api = Api(installation.endpoint)
    api.masks.ApproveMask(ApproveMaskRequest(training=before.waiting.name))
    assert api.until_complete(before.waiting.name, _WITHIN_S).stages[1].result_stack


@pytest.mark.chaos_long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("how", ["folder", "objects"])
def test_backup_is_restored_elsewhere(
    installation: RunningInstallation, before: Before, tmp_path: Path, figure: Recorder, how: str
) -> None:
    """docs/backup.md, both ways: everything is there, and a model of before denoises as before."""
    elsewhere = RunningInstallation(data=tmp_path / "elsewhere", options=own_port())
    if how == "folder":
        installation.stop()
        shutil.copytree(installation.data, elsewhere.data)
        installation.start()
        elsewhere.start()
        told = "the data folder, copied while the installation is stopped"
    else:
        _until_copied(installation)
        count = backends.copy_objects(installation, tmp_path / "bucket", first="records/")
        elsewhere.start()
        backends.put_objects(elsewhere, tmp_path / "bucket")
        assert not _rebuilt(elsewhere).get("problems")
        told = f"the {count} objects of the bucket, copied while it runs; then `clearstack admin rebuild`"
    try:
        assert _listed(elsewhere) == _listed(installation)
        _works(Api(elsewhere.endpoint), before, tmp_path)
    finally:
        elsewhere.stop()
    figure("a backup is restored on another machine", told, "lists, checksums and a new denoising equal")


def _works(api: Api, before: Before, folder: Path) -> None:
    """The result is the same, the model denoises as before, and a repeated request finds its training."""
    result = api.download(before.done.result_stack, folder / "result.tif")
    assert tiffs.read(result).shape == (6, 64, 64)
    assert api.stack(before.done.result_stack).sha256 == before.result_sha256
    assert _denoised(api, before.stack, before.done) == before.denoised_sha256
    again = api.train(before.stack, configs.two_stages(), method=AUTOSTRUCTN2V, request_id="done")
    assert again.name == before.done.name


def _denoised(api: Api, stack: Stack, training: Training) -> str:
    """The checksum of the stack denoised with the training's model, now."""
    request = CreateDenoisingRequest(stack=stack.name, model=training.model)
    name = api.denoisings.CreateDenoising(request).denoising.name

    def result() -> str:
        made = api.denoisings.GetDenoising(GetDenoisingRequest(name=name)).denoising
        assert made.state != denoising_pb2.DENOISING_STATE_FAILED, made.failure.message
        return made.result_stack if made.state == denoising_pb2.DENOISING_STATE_COMPLETE else ""

    return api.stack(until(result, _WITHIN_S, f"{name} is complete")).sha256


def _listed(installation: RunningInstallation) -> dict[str, Any]:
    """What the lists show, but for denoisings and results that a test adds."""
    listed = {
        kind: json.loads(clearstack(kind, "list", "--json", installation=installation).out)
        for kind in ("stacks", "trainings", "models")
    }
    return {
        kind: sorted((each["name"], each.get("etag", "")) for each in found.get(kind, []))
        for kind, found in listed.items()
    }


def _rebuilt(installation: RunningInstallation) -> dict[str, Any]:
    done = clearstack("admin", "rebuild", "--json", installation=installation)
    assert done.code == 0, done.err
    rebuilt: dict[str, Any] = json.loads(done.out)
    return rebuilt


def _restored(rebuilt: dict[str, Any]) -> int:
    return sum(each.get("restored_count", 0) for each in rebuilt["rebuilt"])


def _until_copied(installation: RunningInstallation) -> None:
    """Waits until the copies in the store are those of the records as they are."""
    until(
        lambda: backends.is_mirrored(installation), _COPIED_WITHIN_S, "every record has its copy in the store"
    )
