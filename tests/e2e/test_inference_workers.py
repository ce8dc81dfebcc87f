"""One denoising shared among several inference workers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation

_SLICES = 24
_ONE_SLICE = {"CLEARSTACK_PIXELS_PER_RANGE": str(tiffs.SIDE_PX**2)}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[RunningInstallation]:
    """An installation with two inference workers, which deals with slices one by one."""
    running = RunningInstallation(
        data=tmp_path / "data", options=("--inference-workers", "2"), environment=_ONE_SLICE
    )
    running.start()
    yield running
    running.stop()


@pytest.mark.timeout(240)
def test_two_workers_make_the_file_that_one_makes(
    pair: RunningInstallation, api: Api, tmp_path: Path
) -> None:
    """Each of the two takes some of the slices; the result is that of one worker, byte for byte."""
    path = tiffs.write_noise(tmp_path / "noisy.tif", num_slices=_SLICES)
    config = configs.n2v(epochs=1, patches_per_image=2)
    files: list[Path] = []
    for client in (Api(pair.endpoint), api):
        done = client.until_complete(client.train(client.upload(path), config).name)
        files.append(client.download(done.result_stack, tmp_path / f"clean{len(files)}.tif"))
    taken = [
        (pair.data / "logs" / f"{name}.log").read_text().count("range denoised")
        for name in ("inference", "inference-2")
    ]
    measure(f"{_SLICES} ranges were shared as {taken[0]} and {taken[1]}")
    assert min(taken) > 0
    assert sum(taken) == _SLICES
    assert np.array_equal(tiffs.read(files[0]), tiffs.read(files[1]))
    assert files[0].read_bytes() == files[1].read_bytes()
