from __future__ import annotations

import pytest
import torch
from clearstack_engine.device import Device
from clearstack_engine.errors import DeviceError
from clearstack_engine.training.early_stopping import judge
from clearstack_engine.training.progress import EpochReport
from hypothesis import given
from hypothesis import strategies as st
from unit.engine.engine_examples import tiny


def history_of(losses: list[float], patience: int, *, enabled: bool = True) -> list[EpochReport]:
    """The reports of a training with these validation losses, up to where it ends."""
    config = tiny(num_epochs=len(losses), early_stopping=enabled, early_stopping_patience=patience)
    history: list[EpochReport] = []
    for loss in losses:
        judgement = judge(history, loss, config, epoch=len(history) + 1)
        report = EpochReport(
            epoch=len(history) + 1,
            num_epochs=len(losses),
            train_loss=loss,
            val_loss=loss,
            best_val_loss=judgement.best_val_loss,
            is_best=judgement.is_best,
            learning_rate=1e-3,
            patches_per_s=1.0,
            seconds_left=0.0,
            stopped_early=judgement.stopped_early,
        )
        history.append(report)
        if report.is_last:
            break
    return history


def test_patience_counts_from_the_best() -> None:
    """A new best starts the count again; as many epochs as the patience without one end the stage."""  # spec: C10
    history = history_of([3, 4, 4, 2, 5, 5, 5, 5, 5], patience=3)
    assert [report.epoch for report in history if report.is_best] == [1, 4]
    assert history[-1].epoch == 7
    assert history[-1].stopped_early


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.integers(1, 5))
def test_without_early_stopping_every_epoch_is_run(losses: list[float], patience: int) -> None:
    """Switched off, nothing but the number of epochs ends a stage, and the best is the lowest."""
    history = history_of(losses, patience, enabled=False)
    assert len(history) == len(losses)
    assert history[-1].best_val_loss == min(losses)
    assert not any(report.stopped_early for report in history)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_missing_device_is_an_error_of_its_own_kind() -> None:
    """Asking for CUDA where there is none says what to do instead."""
    with pytest.raises(DeviceError, match="auto"):
        Device.choose("cuda")
