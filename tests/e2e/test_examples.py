"""The examples of clients, as their users run them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from e2e.support import configs, tiffs
from e2e.support.api import Api
from e2e.support.installation import RunningInstallation, clean_environment

_ROOT = Path(__file__).parents[2]
_EXAMPLES = _ROOT / "examples"
_SNAKEMAKE = _ROOT / ".venv-tools/bin/snakemake"


@pytest.fixture(scope="module")
def model(api: Api, tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that was trained in seconds."""
    stack = api.upload(tiffs.write_noise(tmp_path_factory.mktemp("examples") / "noisy.tif"))
    return api.until_complete(api.train(stack, configs.n2v(epochs=1)).name).model


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=clean_environment() | environment,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_a_folder_is_watched(installation: RunningInstallation, model: str, tmp_path: Path) -> None:
    """Results stand beside their files; what is no data is left alone, what is refused gets its reason."""
    for name in ("a.tif", "b.tiff"):
        tiffs.write_noise(tmp_path / name)
    (tmp_path / ".hidden.tif").write_bytes(b"x")
    (tmp_path / "c.tif.part").write_bytes(b"x")
    tiffs.BAD["CONSTANT"](tmp_path / "flat.tif")
    script = str(_EXAMPLES / "watch_folder.py")
    command = (sys.executable, script, installation.endpoint, str(tmp_path), "--model", model)
    told = _run(*command, "--once", "--settle", "0.1")
    assert told.count(": done") == 2
    assert {path.name for path in tmp_path.iterdir()} == {
        *("a.tif", "a-denoised.tif", "b.tiff", "b-denoised.tif", ".hidden.tif", "c.tif.part"),
        *("flat.tif", "flat.tif.clearstack-error.txt"),
    }
    assert "CONSTANT" in (tmp_path / "flat.tif.clearstack-error.txt").read_text()
    assert _run(*command, "--once", "--settle", "0.1") == ""
    assert tiffs.read(tmp_path / "a-denoised.tif").shape == tiffs.read(tmp_path / "a.tif").shape


def test_the_notebook_denoises(installation: RunningInstallation, tmp_path: Path) -> None:
    """Every cell runs, one after the other, and what comes out is nearer to the truth."""
    cells = json.loads((_EXAMPLES / "denoise.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell.get("outputs") for cell in cells), "the notebook is kept without outputs"
    script = tmp_path / "notebook.py"
    script.write_text(
        "\n".join([*code, f"np.savez({str(tmp_path / 'made')!r}, truth_ZYX, noisy_ZYX, clean_ZYX)"])
    )
    assert "away from the truth" in _run(
        sys.executable, str(script), CLEARSTACK_ENDPOINT=installation.endpoint
    )
    truth_ZYX, noisy_ZYX, clean_ZYX = np.load(tmp_path / "made.npz").values()
    assert np.square(clean_ZYX - truth_ZYX).mean() < np.square(noisy_ZYX - truth_ZYX).mean()


@pytest.mark.skipif(not _SNAKEMAKE.exists(), reason="no Snakemake: `make .venv-tools/installed-snakemake`")
def test_a_snakemake_step_denoises(installation: RunningInstallation, model: str, tmp_path: Path) -> None:
    """Each TIFF of the one folder has its result in the other."""
    (tmp_path / "raw").mkdir()
    for name in ("a", "b"):
        tiffs.write_noise(tmp_path / "raw" / f"{name}.tif")
    _run(
        *(str(_SNAKEMAKE), "--cores", "1", "--snakefile", str(_EXAMPLES / "snakemake" / "Snakefile")),
        *("--directory", str(tmp_path), "--config", "raw=raw", "clean=clean", f"model={model}"),
        CLEARSTACK_ENDPOINT=installation.endpoint,
    )
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["a.tif", "b.tif"]
    assert tifffile.imread(tmp_path / "clean" / "a.tif").shape == (6, tiffs.SIDE_PX, tiffs.SIDE_PX)
