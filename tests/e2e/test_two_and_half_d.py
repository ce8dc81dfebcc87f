"""2.5D from the upload to the result, with both methods; and where it is refused."""

from pathlib import Path

import grpc
import numpy as np
import pytest
from clearstack.v1 import config_pb2, training_pb2
from clearstack.v1.denoising_pb2 import DENOISING_STATE_COMPLETE, DENOISING_STATE_FAILED, Denoising
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest, GetDenoisingRequest
from clearstack.v1.mask_service_pb2 import GetMaskRequest
from clearstack.v1.model_service_pb2 import GetModelRequest
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import Training
from e2e.support import configs, tiffs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation
from e2e.support.refusals import Refusal, refused
from e2e.support.waiting import until

_ENOUGH, _TOO_FEW = 20, 19
_TRIPLETS = config_pb2.MODE_2_5D


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this module's files are."""
    return tmp_path_factory.mktemp("triplets")


@pytest.fixture(scope="module")
def deep(api: Api, folder: Path) -> Stack:
    """Just enough slices, with noise along rows."""
    tiffs.write_sample(folder / "deep.tif", "rows", num_slices=_ENOUGH, side_px=48)
    return api.upload(folder / "deep.tif")


@pytest.fixture(scope="module")
def shallow(api: Api, folder: Path) -> Stack:
    """One slice too few."""
    tiffs.write_sample(folder / "shallow.tif", "rows", num_slices=_TOO_FEW, side_px=48)
    return api.upload(folder / "shallow.tif")


@pytest.fixture(scope="module")
def trained(api: Api, deep: Stack) -> Training:
    """N2V on triplets, complete."""
    name = api.train(deep, configs.n2v(epochs=1, patches_per_image=2), mode=_TRIPLETS).name
    return api.until_complete(name)


def test_n2v_on_triplets(api: Api, trained: Training, folder: Path) -> None:
    """Three slices go in, and each slice of the result, the first and the last too, is denoised."""  # spec: A1 A4 A6
    assert trained.mode == _TRIPLETS
    assert api.models.GetModel(GetModelRequest(name=trained.model)).model.mode == _TRIPLETS
    _assert_each_slice_is_denoised(api, trained.result_stack, folder)


def test_both_stages_on_triplets(
    api: Api, installation: RunningInstallation, deep: Stack, folder: Path
) -> None:
    """The mask has a plane for each slice of the triplet, shown as three grids; both results are whole."""  # spec: A2 A4 A6 D9
    config = configs.two_stages(epochs=1, patches_per_image=2)
    name = api.train(deep, config, method=AUTOSTRUCTN2V, mode=_TRIPLETS).name
    api.until(name, training_pb2.TRAINING_STATE_AWAITING_REVIEW)
    mask = api.masks.GetMask(GetMaskRequest(training=name)).mask
    assert [plane.slice_offset for plane in mask.planes] == [-1, 0, 1]
    size = mask.summary.kernel_height * mask.summary.kernel_width
    for plane in mask.planes:
        assert (len(plane.active), sum(plane.active)) == (size, plane.active_pixel_count)
        assert plane.coverage_percent == pytest.approx(100 * plane.active_pixel_count / size)
    shown = clearstack("mask", "show", name, installation=installation).out
    assert "Z-1" in shown
    assert "Z+1" in shown

    mask_file = folder / "mask.npy"
    np.save(mask_file, np.array([[[0, 1, 0]], [[1, 1, 1]], [[0, 1, 0]]], dtype=bool))
    edit = ("mask", "approve", name, "--file", mask_file, "--toggle=-1,0,-1")
    approved = clearstack(*edit, installation=installation)
    assert approved.code == 0, approved.err
    done = api.until_complete(name)
    edited = api.masks.GetMask(GetMaskRequest(training=name)).mask
    assert [list(plane.active) for plane in edited.planes] == [
        [True, True, False],
        [True, True, True],
        [False, True, False],
    ]
    for stage in done.stages:
        _assert_each_slice_is_denoised(api, stage.result_stack, folder)


def test_each_slice_alone_is_the_default(api: Api, deep: Stack, folder: Path) -> None:
    """Who does not choose gets 2D, of any number of slices, and every slice is denoised."""  # spec: A3 A6
    done = api.until_complete(api.train(deep, configs.n2v(epochs=1, patches_per_image=2)).name)
    assert done.mode == config_pb2.MODE_2D
    _assert_each_slice_is_denoised(api, done.result_stack, folder)


def test_the_upload_says_whether_triplets_are_possible(deep: Stack, shallow: Stack) -> None:
    """With 20 slices they are; with 19 they are not, and why is said."""  # spec: A5 B6
    assert deep.info.two_and_half_d_possible
    assert not deep.info.two_and_half_d_reason
    assert not shallow.info.two_and_half_d_possible
    _assert_says_what_is_missing(shallow.info.two_and_half_d_reason)


def test_training_on_too_few_slices_is_refused(api: Api, shallow: Stack) -> None:
    """2.5D with 19 slices is refused; 2D with the same stack is not."""  # spec: A3 A5
    _assert_refused(refused(lambda: api.train(shallow, configs.n2v(), mode=_TRIPLETS)))
    assert api.train(shallow, configs.n2v(), validate_only=True).mode == config_pb2.MODE_2D


def test_denoising_too_few_slices_is_refused(
    api: Api, trained: Training, deep: Stack, shallow: Stack, folder: Path
) -> None:
    """A 2.5D model denoises 20 slices and refuses 19."""  # spec: A5 A6 E4
    few = CreateDenoisingRequest(stack=shallow.name, model=trained.model)
    _assert_refused(refused(lambda: api.denoisings.CreateDenoising(few)))
    enough = CreateDenoisingRequest(stack=deep.name, model=trained.model)
    name = api.denoisings.CreateDenoising(enough).denoising.name

    def finished() -> Denoising | None:
        denoising = api.denoisings.GetDenoising(GetDenoisingRequest(name=name)).denoising
        assert denoising.state != DENOISING_STATE_FAILED, denoising.failure.message
        return denoising if denoising.state == DENOISING_STATE_COMPLETE else None

    done = until(finished, 60, "the denoising is complete")
    _assert_each_slice_is_denoised(api, done.result_stack, folder)


def _assert_each_slice_is_denoised(api: Api, result: str, folder: Path) -> None:
    noisy_ZYX = tiffs.read(folder / "deep.tif")
    clean_ZYX = tiffs.read(api.download(result, folder / "result.tif"))
    assert (clean_ZYX.shape, clean_ZYX.dtype) == (noisy_ZYX.shape, noisy_ZYX.dtype)
    share_changed_Z = (clean_ZYX != noisy_ZYX).mean(axis=(1, 2))
    assert share_changed_Z.min() > 0.9, share_changed_Z


def _assert_says_what_is_missing(text: str) -> None:
    assert text.startswith("Insufficient Stack Depth for 2.5D")
    for words in ("19 slices", "20 are needed", "2D", "larger stack"):
        assert words in text


def _assert_refused(refusal: Refusal) -> None:
    expected = (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_STACK_DEPTH")
    assert (refusal.code, refusal.reason) == expected
    _assert_says_what_is_missing(refusal.text)
