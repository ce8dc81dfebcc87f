"""A wired installation on a temporary folder, with nothing started."""

from pathlib import Path

import pytest
from clearstack_embedded.folder import DataFolder
from clearstack_embedded.settings import InstallationConfig
from clearstack_embedded.wiring import Wiring, wire


@pytest.fixture
def wiring(tmp_path: Path) -> Wiring:
    """Two trainers and two inference workers on a folder of their own."""
    folder = DataFolder(tmp_path / 'data, "quoted"')
    folder.create()
    return wire(
        InstallationConfig(data=folder.root, num_trainers=2, num_inference_workers=2, log_level="debug"),
        folder,
        {"MARK": "1"},
    )
