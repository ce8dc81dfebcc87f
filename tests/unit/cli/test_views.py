import io

import pytest
from clearstack.v1 import config_pb2, mask_pb2, training_pb2
from clearstack.v1.event_pb2 import EpochCompleted, Event
from clearstack.v1.mask_pb2 import Mask, MaskPlane, MaskSummary
from clearstack.v1.training_pb2 import EpochProgress, StageStatus, Training
from clearstack_cli import mask_view, training_view, words
from clearstack_cli.plain_view import PlainLines
from rich.console import Console


def _drawn(page: object) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(page)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def _epoch(number: int, second: float) -> Event:
    event = Event(
        epoch_completed=EpochCompleted(stage=1, progress=EpochProgress(epoch=number, epoch_count=100))
    )
    event.time.FromMilliseconds(round(second * 1000))
    return event


@pytest.fixture
def training() -> Training:
    """In the middle of its first stage."""
    progress = EpochProgress(
        epoch=12,
        epoch_count=30,
        training_loss=0.5,
        validation_loss=0.4,
        best_validation_loss=0.39,
        patches_per_second=812,
        seconds_left=80,
    )
    return Training(
        name="trainings/abc",
        display_name="cells.tif",
        state=training_pb2.TRAINING_STATE_TRAINING,
        method=config_pb2.METHOD_AUTOSTRUCTN2V,
        mode=config_pb2.MODE_2D,
        preset=config_pb2.PRESET_FAST,
        stages=[
            StageStatus(number=1, state=training_pb2.STAGE_STATE_TRAINING, progress=progress),
            StageStatus(number=2, state=training_pb2.STAGE_STATE_PENDING),
        ],
        notes=["CPU only: slower"],
    )


def test_the_live_page_says_all_of_d3(training: Training) -> None:
    """Epoch, losses, speed, time left, what comes next, and the notes.  # spec: D3."""
    text = _drawn(training_view.page(training))
    for expected in (
        "abc",
        "cells.tif · autoStructN2V · 2D · fast",
        "epoch 12/30",
        "1 min 20 s left",
        "training loss 0.5000, validation loss 0.4000 (best 0.3900), 812 patches/s",
        "after stage 1",
        "CPU only: slower",
    ):
        assert expected in text


def test_a_queued_training_shows_its_place(training: Training) -> None:
    """So that a person knows what is waited for.  # spec: D1."""
    training.state, training.queue_position = training_pb2.TRAINING_STATE_QUEUED, 2
    assert "number 2 in the queue" in _drawn(training_view.page(training))


def test_early_stopping_is_an_end_like_any_other(training: Training) -> None:
    """It says at which epoch.  # spec: D5."""
    stage = training.stages[0]
    stage.state, stage.stopped_early_epoch = training_pb2.STAGE_STATE_COMPLETE, 12
    assert "✓ stopped early at epoch 12" in _drawn(training_view.page(training))


def test_plain_lines_leave_out_epochs_that_follow_closely() -> None:
    """First and last always, in between one in ten seconds, by the time at which they happened."""
    plain = PlainLines()
    shown = [n for n in range(1, 101) if plain.lines(_epoch(n, second=n * 0.5))]
    assert shown == [1, 21, 41, 61, 81, 100]


def test_three_planes_stand_side_by_side() -> None:
    """In 2.5D each grid has its statistics, and only the middle one has the predicted pixel."""  # spec: D9
    planes = [
        MaskPlane(slice_offset=z, active=[False, True, False], active_pixel_count=1, coverage_percent=100 / 3)
        for z in (-1, 0, 1)
    ]
    mask = Mask(summary=MaskSummary(kernel_height=1, kernel_width=3), planes=planes)
    text = _drawn(mask_view.grids(mask))
    assert text.count("· ■ ·") == 2
    assert text.count("· ◉ ·") == 1
    assert "Z-1" in text
    assert "Z+1" in text
    assert text.count("1 active") == text.count("33.3 %") == 3


def test_an_empty_mask_can_be_drawn() -> None:
    """Nothing has been extracted yet, or nothing was found."""
    summary = MaskSummary(
        advice=mask_pb2.REVIEW_ADVICE_SKIP_STAGE_TWO, message="No structured noise detected"
    )
    text = _drawn(mask_view.page(Mask(summary=summary)))
    assert "No structured noise detected" in text
    assert "skip stage 2" in text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.4, "0 s"), (59, "59 s"), (80, "1 min 20 s"), (3700, "1 h 01 min"), (-1, "0 s")],
)
def test_durations(seconds: float, expected: str) -> None:
    """As a person says them."""
    assert words.duration(seconds) == expected
