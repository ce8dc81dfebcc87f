"""The example of a client that knows the protos alone."""

import subprocess
import sys
from pathlib import Path

from e2e.support import tiffs
from e2e.support.installation import RunningInstallation

_EXAMPLE = Path(__file__).parents[2] / "examples" / "foreign_client.py"
_LINES = 80


def test_a_foreign_client_does_the_whole_job(installation: RunningInstallation, tmp_path: Path) -> None:
    """Uploads, trains, watches, approves, downloads, with nothing of ours but the protos."""
    source, result = tmp_path / "noisy.tif", tmp_path / "clean.tif"
    tiffs.write_sample(source, "rows", num_slices=4, side_px=64)
    settings = "epochs=1 features=8 layers=2 patch_size=32 patches_per_image=4"
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            str(_EXAMPLE),
            installation.endpoint,
            str(source),
            str(result),
            *settings.split(),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert tiffs.read(result).shape == (4, 64, 64)
    for told in ("epoch 1 of 1", "AWAITING_REVIEW", "approved", "COMPLETE"):
        assert told in done.stdout


def test_the_example_is_short_and_foreign() -> None:
    """At most 80 lines, and no import of ours."""
    text = _EXAMPLE.read_text()
    assert len(text.splitlines()) <= _LINES
    assert "import clearstack_" not in text
    assert "from clearstack_" not in text
