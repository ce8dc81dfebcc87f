from collections.abc import Callable
from pathlib import Path

import tifffile
from typer.testing import Result

Run = Callable[..., Result]


def test_a_sample_and_its_truth(run: Run, tmp_path: Path) -> None:
    """Two stacks of the wanted shape, the truth without the noise."""
    result = run("sample", "rows", tmp_path / "rows.tif", "--slices", 3, "--side", 64)
    assert result.exit_code == 0, result.output
    noisy_ZYX, truth_ZYX = (tifffile.imread(tmp_path / name) for name in ("rows.tif", "rows-truth.tif"))
    assert noisy_ZYX.shape == truth_ZYX.shape == (3, 64, 64)
    assert noisy_ZYX.std() > truth_ZYX.std()


def test_an_unknown_sample_lists_the_known_ones(run: Run, tmp_path: Path) -> None:
    """Usage error with the names."""
    result = run("sample", "clouds", tmp_path / "clouds.tif")
    assert result.exit_code == 2
    assert "white, poisson, rows, stripes" in result.stderr
