import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest
from numpy.typing import NDArray
from typer.testing import Result
from unit.cli.fake_gateway import FakeGateway

Run = Callable[..., Result]

ROW_OF_FIVE = [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]


@pytest.fixture
def training(run: Run, noisy: Path) -> str:
    """Waits for the review of a mask with five pixels in a row."""
    result = run("train", noisy, "--method", "autostructn2v", "--json")
    return str(json.loads(result.stdout.splitlines()[-1])["name"])


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[NDArray[Any]], Path]:
    """Writes an array to a .npy file."""

    def save(array: NDArray[Any]) -> Path:
        np.save(tmp_path / "m.npy", array)
        return tmp_path / "m.npy"

    return save


def planes_of(request: ApproveMaskRequest) -> list[list[list[int]]]:
    """What was sent, row by row."""
    return [
        np.array(plane.active, dtype=int).reshape(request.kernel_height, request.kernel_width).tolist()
        for plane in request.edited_planes
    ]


def test_without_an_edit_no_planes_are_sent(run: Run, gateway: FakeGateway, training: str) -> None:
    """The extracted mask is taken as it is."""  # spec: D10
    assert run("mask", "approve", training).exit_code == 0
    assert not gateway.approved[0].edited_planes


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_a_file_takes_the_place_of_the_mask(
    run: Run, gateway: FakeGateway, training: str, saved: Callable[[NDArray[Any]], Path], dtype: type
) -> None:
    """Yes and no as bool or as 0 and 1, of another size than the extracted mask."""  # spec: D10
    mask_YX: NDArray[Any] = np.array([[1, 0, 1]], dtype=dtype)
    result = run("mask", "approve", training, "--file", saved(mask_YX))
    assert result.exit_code == 0, result.output
    assert planes_of(gateway.approved[0]) == [[[1, 0, 1]]]


def test_a_file_of_three_planes_for_triplets(
    run: Run, gateway: FakeGateway, training: str, saved: Callable[[NDArray[Any]], Path]
) -> None:
    """In 2.5D the planes are those of Z-1, Z and Z+1."""  # spec: A4 D10
    gateway.slice_offsets = [-1, 0, 1]
    result = run("mask", "approve", training, "--file", saved(np.eye(3, dtype=bool)[:, None]))
    assert result.exit_code == 0, result.output
    assert [plane.slice_offset for plane in gateway.approved[0].edited_planes] == [-1, 0, 1]
    assert planes_of(gateway.approved[0]) == [[[1, 0, 0]], [[0, 1, 0]], [[0, 0, 1]]]


def test_offsets_are_switched(run: Run, gateway: FakeGateway, training: str) -> None:
    """Each switches one pixel; one outside the mask makes it larger on both sides."""  # spec: D10
    result = run("mask", "approve", training, "--toggle", "0,2", "--toggle", "-1,0", "--toggle", "0,-3")
    assert result.exit_code == 0, result.output
    assert planes_of(gateway.approved[0]) == [
        [[0, 0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    ]


def test_offsets_in_triplets_name_the_slice(run: Run, gateway: FakeGateway, training: str) -> None:
    """The pixel above and below the centre can be switched, in its plane alone."""  # spec: A4 D10
    gateway.slice_offsets = [-1, 0, 1]
    assert run("mask", "approve", training, "--toggle", "-1,0,0").exit_code == 0
    without = [ROW_OF_FIVE[0], [1, 1, 0, 1, 1], ROW_OF_FIVE[2]]
    assert planes_of(gateway.approved[0]) == [without, ROW_OF_FIVE, ROW_OF_FIVE]


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones((2, 5)), "must be odd"),
        (np.ones((1, 131)), "129 px at most"),
        (np.ones((3, 3, 3)), "needs (height, width)"),
        (np.ones(5), "needs (height, width)"),
        (np.full((3, 3), 0.5), "values other than 0 and 1"),
        (np.full((3, 3), np.nan), "values other than 0 and 1"),
        (np.array([["yes"]]), "values other than 0 and 1"),
        (np.array([[None]]), "no .npy file"),
        (np.ones((999, 999)), "too large"),
    ],
)
def test_a_file_that_is_no_mask_is_refused(
    run: Run,
    gateway: FakeGateway,
    training: str,
    saved: Callable[[NDArray[Any]], Path],
    array: NDArray[Any],
    said: str,
) -> None:
    """What is wrong with it is said, and nothing is approved."""  # spec: D10
    refused = run("mask", "approve", training, "--file", saved(array))
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert not gateway.approved


def test_another_kind_of_file_is_refused(run: Run, training: str, noisy: Path, tmp_path: Path) -> None:
    """A TIFF, an archive of arrays and an empty file are no masks, and a file that is missing is named."""
    np.savez(tmp_path / "m.npz", mask=np.ones((3, 3)))
    (tmp_path / "empty.npy").touch()
    for path in (tmp_path / "m.npz", tmp_path / "empty.npy"):
        assert "no .npy file with a mask" in run("mask", "approve", training, "--file", path).stderr
    assert run("mask", "approve", training, "--file", noisy).exit_code == 2
    assert run("mask", "approve", training, "--file", tmp_path / "missing.npy").exit_code == 2


@pytest.mark.parametrize("planes", [[0], [-1, 0, 1]])
@pytest.mark.parametrize("offset", ["3", "a,b", "0,0,0,0", "0,0", "0,0,0", "2,0,0", "0,99", "0,0,99", "1,,2"])
def test_an_offset_that_is_none_is_refused(
    run: Run, gateway: FakeGateway, training: str, planes: list[int], offset: str
) -> None:
    """Wrong numbers, the centre itself and what is too far away are refused with the offset."""
    gateway.slice_offsets = planes
    refused = run("mask", "approve", training, "--toggle", offset)
    assert refused.exit_code == 2
    assert f"--toggle {offset} is" in refused.stderr
    assert not gateway.approved
