from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clearstack_engine.model.files import ModelCard, add_trained_on
from clearstack_engine.model.trained_on import NOTHING_KNOWN, TrainedOn, noise_std
from unit.engine.engine_examples import noisy_stack, smooth_stack
from unit.engine.test_model_import import card


@pytest.mark.parametrize("std", [5.0, 100.0, 3000.0])
def test_noise_is_measured(std: float) -> None:
    """White noise on a smooth scene, to a few per cent, whatever its size."""  # spec: E6
    stack_ZYX = 20000 * smooth_stack(3, 96, 96)
    stack_ZYX = stack_ZYX + np.random.default_rng(0).normal(0, std, stack_ZYX.shape)
    assert noise_std(stack_ZYX) == pytest.approx(std, rel=0.1)


def test_a_very_large_slice_is_measured_in_its_middle() -> None:
    """What lies far outside is not looked at, so that the memory for it is bounded."""  # spec: E4
    slice_YX = np.random.default_rng(0).normal(0, 10, (12, 9000)).astype(np.float32)
    slice_YX[:, :3000] = slice_YX[:, 6000:] = 1e6 * slice_YX[:, :3000]
    assert noise_std([slice_YX]) == pytest.approx(10, rel=0.1)


def test_nothing_to_measure() -> None:
    """No slices, or slices of two pixels, have no noise that could be told."""
    assert noise_std([]) == 0
    assert noise_std(np.zeros((1, 2, 2))) == 0


def test_warnings() -> None:
    """Another data type and a noise level far from the training's are told; what is alike or unknown is not."""  # spec: E6
    trained_on = TrainedOn(dtype="uint16", noise_std=100.0)
    assert trained_on.warnings("uint16", 150.0) == []
    assert trained_on.warnings("uint16", 0.0) == []
    assert NOTHING_KNOWN.warnings("uint8", 3.0) == []
    [dtype] = trained_on.warnings("uint8", 100.0)
    assert "The stack is uint8, the model was trained on uint16" in dtype
    [louder] = trained_on.warnings("uint16", 500.0)
    assert "5.0 times larger" in louder
    [quieter] = trained_on.warnings("uint16", 10.0)
    assert "10.0 times smaller" in quieter


def test_model_remembers(tmp_path: Path) -> None:
    """model.json keeps what the stack was like; one without it is read as before."""  # spec: E6
    (tmp_path / "model.json").write_text(card().to_json())
    stack_ZYX = noisy_stack(20, 32, 32)
    add_trained_on(tmp_path, TrainedOn.of(stack_ZYX))
    found = ModelCard.from_json((tmp_path / "model.json").read_text()).trained_on
    assert found.dtype == "uint16"
    assert found.noise_std == pytest.approx(6000, rel=0.2)
