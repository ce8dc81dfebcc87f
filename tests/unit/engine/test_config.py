from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from unit.engine.engine_examples import tiny


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch_size_px": 18}, "multiple of"),
        ({"num_input_slices": 2}, "must be 1 or 3"),
        ({"upsampling": "cubic"}, "upsampling"),
        ({"masking_strategy": "ones"}, "masking_strategy"),
    ],
)
def test_impossible_values_are_refused(changes: dict[str, Any], message: str) -> None:
    """What no training could work with is refused by name."""
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


def test_configuration_needs_no_torch() -> None:
    """A process without torch can import the package, build a configuration and read the errors."""
    code = "import clearstack_engine, clearstack_engine.config, clearstack_engine.errors, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
