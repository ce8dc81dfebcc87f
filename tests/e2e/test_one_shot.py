"""`clearstack denoise`: one command from a noisy file to a clean one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from clearstack.v1.stack_service_pb2 import Stack
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.cli import clearstack
from e2e.support.installation import RunningInstallation

Make = Callable[..., Path]
_QUICK = configs.as_options(epochs=1)


def test_files_of_every_kind_come_back_as_they_were(
    installation: RunningInstallation, tmp_path: Path, tiff: Make
) -> None:
    """Each file is learnt from by itself; shape and data type of its result are its own."""  # spec: F2
    inputs = [tiff("float.tif", dtype="float32", num_slices=2), tiff("single.tif", num_slices=1)]
    out = tmp_path / "out"
    out.mkdir()
    done = clearstack("denoise", *inputs, "-o", out, *_QUICK, installation=installation)
    assert done.code == 0, done.err
    results = sorted(out.iterdir())
    assert len(results) == len(inputs)
    for source in inputs:
        [result] = [path for path in results if path.name.startswith(source.stem)]
        noisy, clean = tiffs.read(source), tiffs.read(result)
        assert (clean.shape, clean.dtype) == (noisy.shape, noisy.dtype)
        assert (clean != noisy).any()


def test_one_model_denoises_every_data_type_and_storage(
    installation: RunningInstallation, api: Api, white: Stack, tmp_path: Path
) -> None:
    """Compressed, tiled, ImageJ, OME, BigTIFF; of odd size, smaller than the model's patch: all come back in kind."""  # spec: B1 B2 E4 F2
    model = api.until_complete(api.train(white, configs.n2v(epochs=1)).name).model
    inputs, out = tiffs.write_storages(tmp_path, (2, 37, 23)), tmp_path / "out"
    out.mkdir()
    done = clearstack("denoise", *inputs.values(), "--model", model, "-o", out, installation=installation)
    assert done.code == 0, done.err
    for dtype, source in inputs.items():
        [result] = [path for path in out.iterdir() if path.name.startswith(f"{source.stem}-")]
        noisy_ZYX, clean_ZYX = tiffs.read(source), tiffs.read(result)
        assert (clean_ZYX.shape, clean_ZYX.dtype) == (noisy_ZYX.shape, np.dtype(dtype))
        assert (clean_ZYX != noisy_ZYX).mean() > 0.5


def test_progress_is_shown_for_each_stage(
    installation: RunningInstallation, tmp_path: Path, tiff: Make
) -> None:
    """Epochs, losses and both stages are told in plain lines where there is no terminal."""  # spec: D3
    stages = configs.as_options("stage1", "stage2", epochs=1)
    done = clearstack(
        *("denoise", tiff(), "-o", tmp_path / "out.tif", "--method", "autostructn2v"),
        *(*stages, "--auto-approve"),
        installation=installation,
    )
    assert done.code == 0, done.err
    told = done.out + done.err
    assert "stage 1: epoch 1/1" in told
    assert "validation loss" in told
    assert "patches/s" in told


def test_an_installation_of_its_own_is_started_and_ended(tmp_path: Path, tiff: Make) -> None:
    """Where none runs the command brings its own, and leaves no process behind."""
    own = RunningInstallation(data=tmp_path / "own")
    result = tmp_path / "out.tif"
    done = clearstack("denoise", tiff(), "-o", result, "--data", own.data, *_QUICK)
    assert done.code == 0, done.err
    assert tiffs.read(result).shape == tiffs.read(tiff()).shape
    assert not own.processes()


def test_without_a_terminal_the_way_to_approve_is_shown(
    installation: RunningInstallation, api: Api, tmp_path: Path, tiff: Make
) -> None:
    """A mask that needs a review ends the command, and the commands that it names do the rest."""  # spec: D10
    stages = configs.as_options("stage1", "stage2", epochs=1)
    arguments = ("denoise", tiff(), "-o", tmp_path / "out.tif", "--method", "autostructn2v", *stages)
    done = clearstack(*arguments, installation=installation)
    assert done.code != 0
    assert "--auto-approve" in done.err
    assert "Traceback" not in done.err
    [approve] = [line.partition(":")[2].split() for line in done.err.splitlines() if "mask approve" in line]
    approved = clearstack(*approve[1:], installation=installation)
    assert approved.code == 0, approved.err
    api.until_complete(f"trainings/{approve[3]}")


@pytest.mark.parametrize("kind", tiffs.BAD)
def test_a_bad_file_is_refused_in_a_sentence(
    installation: RunningInstallation, tmp_path: Path, kind: str
) -> None:
    """Exit code, one sentence, no traceback, no result."""  # spec: B2 B3 B4 B5
    bad, result = tmp_path / "bad.tif", tmp_path / "out.tif"
    tiffs.BAD[kind](bad)
    done = clearstack("denoise", bad, "-o", result, *_QUICK, installation=installation)
    assert_refused(done.code, done.err, result)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--set", "stage1.epoch=3"], "epoch"),
        (["--set", "stage1.epochs=0"], "stage1.epochs"),
        (["--set", "stage1.epochs=many"], "stage1.epochs"),
        (["--set", "stage2.epochs=3"], "stage2"),
        (["--model", "nothere"], "nothere"),
        (["--method", "magic"], "magic"),
    ],
)
def test_wrong_options_are_named(
    installation: RunningInstallation, tmp_path: Path, tiff: Make, arguments: list[str], named: str
) -> None:
    """What is wrong is said, with its name."""  # spec: C16
    result = tmp_path / "out.tif"
    done = clearstack("denoise", tiff(), "-o", result, *arguments, installation=installation)
    assert_refused(done.code, done.err, result)
    assert named in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["denoise", "missing.tif"],
        ["trainings", "show", "nothere"],
        ["stacks", "show", "nothere"],
        ["mask", "show", "nothere"],
        ["trainings", "cancel", "nothere"],
    ],
)
def test_what_is_not_there_is_said(
    installation: RunningInstallation, tmp_path: Path, arguments: list[str]
) -> None:
    """A missing file and unknown ids end with a sentence."""
    done = clearstack(*arguments, installation=installation)
    assert_refused(done.code, done.err, tmp_path / "missing-denoised.tif")


def test_no_installation_at_the_endpoint_is_said(tmp_path: Path, tiff: Make) -> None:
    """An endpoint where nobody answers is not silently replaced."""
    result = tmp_path / "out.tif"
    done = clearstack("denoise", tiff(), "-o", result, "--endpoint", "127.0.0.1:9")
    assert_refused(done.code, done.err, result)


def assert_refused(code: int, said: str, result: Path) -> None:
    """The command failed as people can bear it."""
    assert code not in {0, -6, -9, -11}
    assert said.strip()
    assert "Traceback" not in said
    assert len(said) < 1500
    assert not result.exists()
