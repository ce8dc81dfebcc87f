"""The client as a stranger gets it: built, installed into an environment of its own, used."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from e2e.support import configs, tiffs
from e2e.support.installation import RunningInstallation, clean_environment

_ROOT = Path(__file__).parents[2]
_USE = """
import importlib.util, sys
import clearstack_client, numpy as np, tifffile
assert importlib.util.find_spec("torch") is None and importlib.util.find_spec("clearstack_common") is None
assert clearstack_client.__file__.startswith(sys.prefix)
noisy_ZYX = tifffile.imread(sys.argv[2])
with clearstack_client.Client(sys.argv[1]) as client:
    clean_ZYX = client.denoise(noisy_ZYX, config={"stage1": STAGE})
assert clean_ZYX.shape == noisy_ZYX.shape and clean_ZYX.dtype == noisy_ZYX.dtype
print("denoised")
"""


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, env=clean_environment()
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def _copy(folder: Path) -> Path:
    """The sources without the rest of the repository's history and environments."""
    for part in ("clients/python", "libs/common/clearstack"):
        shutil.copytree(_ROOT / part, folder / part, ignore=shutil.ignore_patterns("dist", "__pycache__"))
    return folder / "clients" / "python"


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_sdist_and_wheel_work_in_a_fresh_environment(
    installation: RunningInstallation, tmp_path: Path
) -> None:
    """The wheel that is built of the sdist has the protos, needs no torch, and denoises."""
    sources = _copy(tmp_path / "repository")
    build = (sys.executable, "-m", "hatchling", "build", "--directory", tmp_path / "dist")
    subprocess.run((*build, "-t", "sdist", "-t", "wheel"), cwd=sources, check=True, capture_output=True)
    [sdist], [_wheel] = (tmp_path / "dist").glob("*.tar.gz"), (tmp_path / "dist").glob("*.whl")
    shutil.unpack_archive(sdist, tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    again = (sys.executable, "-m", "hatchling", "build", "--directory", tmp_path / "of-sdist", "-t", "wheel")
    subprocess.run(again, cwd=unpacked, check=True, capture_output=True)
    [wheel] = (tmp_path / "of-sdist").glob("*.whl")
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / "bin" / "python"
    installed = subprocess.run(
        (python, "-m", "pip", "install", "-q", wheel), capture_output=True, text=True, check=False
    )
    if "No matching distribution" in installed.stderr or "Could not find" in installed.stderr:
        pytest.skip("no package index can be reached")
    assert installed.returncode == 0, installed.stderr
    path = tiffs.write_noise(tmp_path / "noisy.tif")
    stage = {field.name: value for field, value in configs.stage().ListFields()}
    assert _run(python, "-c", _USE.replace("STAGE", repr(stage)), installation.endpoint, path) == "denoised\n"
