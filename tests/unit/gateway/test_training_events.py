"""What events do to a training: progress, zombies, failures."""

import pytest
from clearstack.v1 import training_pb2 as pb
from clearstack.v1.event_pb2 import Event
from clearstack.v1.stack_service_pb2 import Failure
from clearstack_gateway.workflow import Cancel, Grant
from unit.gateway.plays import (
    FAILURE,
    N2V,
    STRUCT,
    Play,
    denoising_finished,
    epoch_completed,
    job_failed,
    new_training,
    stage_started,
    stage_trained,
)


@pytest.fixture
def play() -> Play:
    """A training whose first stage was just given the slot."""
    play = Play(new_training(STRUCT))
    play.tell(Grant())
    return play


def test_stage_shows_device_and_progress(play: Play) -> None:
    """A stage becomes TRAINING when a trainer begins it, and shows its newest epoch and each note once."""  # spec: D3, D14
    stage = play.record.training.stages[0]
    assert stage.state == pb.STAGE_STATE_PENDING
    play.tell(stage_started(play.job(), 5))
    for epoch in (1, 2, 3):
        play.tell(epoch_completed(play.job(), 5, epoch))
    stage = play.record.training.stages[0]
    assert (stage.state, stage.device, stage.progress.epoch) == (pb.STAGE_STATE_TRAINING, "cpu", 3)
    assert list(stage.notes) == ["slow", "batch halved"]


def test_progress_never_goes_back(play: Play) -> None:
    """An epoch that comes late, or again after a resumption, does not turn the progress back."""
    play.tell(stage_started(play.job(), 5))
    play.tell(epoch_completed(play.job(), 5, 4))
    play.tell(epoch_completed(play.job(), 5, 3))
    assert play.record.training.stages[0].progress.epoch == 4


def test_early_stopping_is_completion(play: Play) -> None:
    """A stage that early stopping ended is COMPLETE and says at which epoch."""  # spec: D5
    event = stage_trained(play.job(), 5)
    event.stage_trained.stopped_early_epoch = 7
    play.tell(event)
    stage = play.record.training.stages[0]
    assert (stage.state, stage.stopped_early_epoch) == (pb.STAGE_STATE_COMPLETE, 7)


@pytest.mark.parametrize("tell", [stage_started, stage_trained])
def test_trainer_that_lost_the_lock_is_not_believed(play: Play, tell: object) -> None:
    """Once a trainer with a larger token has begun, what one with a smaller token tells changes nothing."""  # spec: D1
    play.tell(stage_started(play.job(), 9))
    before = play.record
    play.tell(stage_started(play.job(), 8) if tell is stage_started else stage_trained(play.job(), 8))
    assert play.record == before
    play.tell(epoch_completed(play.job(), 8, 50))
    assert play.record == before


def test_late_failure_of_a_trainer_that_lost_the_lock_is_not_believed(play: Play) -> None:
    """Whoever has taken over goes on; its own failure, and one from before anybody took over, ends the training."""  # spec: D1 D8
    play.tell(stage_started(play.job(), 9))
    before = play.record
    play.tell(job_failed(play.job().id, token=8))
    assert play.record == before
    play.tell(job_failed(play.job().id, token=9))
    assert play.state == "FAILED"


def test_successor_finishes_the_stage(play: Play) -> None:
    """The trainer that took over is believed, and its files are the stage's."""  # spec: D8
    play.tell(stage_started(play.job(), 5))
    play.tell(stage_started(play.job(), 9))
    play.tell(stage_trained(play.job(), 9))
    assert play.state == "DENOISING"
    assert all("/9/" in file.object_key for file in play.record.stages[0].files)
    assert play.record.stages[0].token == 9


def test_event_of_an_unknown_job_changes_nothing(play: Play) -> None:
    """An event from an attempt that nobody waits for is without effect."""
    before = play.record
    for event in (stage_trained(play.job(), 5), job_failed("t.stage1.attempt1.train")):
        event.job = "t.stage1.attempt0.train"
        assert list(play.tell(event)) == []
    assert play.record == before


@pytest.mark.parametrize("state", ["TRAINING", "DENOISING", "EXTRACTING_MASK"])
def test_failed_job_ends_the_training(state: str) -> None:
    """What cannot be done ends the training as FAILED, with the reason in record and history."""  # spec: D3
    play = Play(new_training(STRUCT)).serve_until(state)
    [job] = play.record.active_jobs
    if state == "DENOISING":
        event = denoising_finished(play.effects[-1].start_denoising)
        event.denoising_finished.ClearField("file")
        event.denoising_finished.failure.CopyFrom(FAILURE)
    else:
        event = job_failed(job)
    doing = play.tell(event)
    assert play.state == "FAILED"
    assert play.record.training.failure == FAILURE
    assert doing[-1].event.state_changed.failure == FAILURE
    assert list(play.record.active_jobs) == []


def test_failed_stage_is_marked(play: Play) -> None:
    """The stage that was being trained is FAILED; the other was never begun."""  # spec: D3
    play.tell(stage_started(play.job(), 5))
    play.tell(job_failed(play.job().id))
    states = [stage.state for stage in play.record.training.stages]
    assert states == [pb.STAGE_STATE_FAILED, pb.STAGE_STATE_PENDING]


def test_cancelled_stage_is_marked(play: Play) -> None:
    """The stage that was being trained is CANCELLED, and late news of it changes nothing."""  # spec: D7
    play.tell(stage_started(play.job(), 5))
    play.tell(Cancel())
    before = play.record
    assert before.training.stages[0].state == pb.STAGE_STATE_CANCELLED
    play.tell(stage_trained(play.job(), 5))
    assert play.record == before


def test_model_is_there_as_soon_as_a_stage_is(play: Play) -> None:
    """A finished stage is registered as a model before the stack is denoised with it."""  # spec: E1
    doing = play.tell(stage_trained(play.job(), 5))
    model = next(effect.register_model for effect in doing if effect.HasField("register_model"))
    assert (model.name, [stage.number for stage in model.stages]) == ("models/t", [1])
    kinds = [effect.WhichOneof("kind") for effect in doing]
    assert kinds.index("register_model") < kinds.index("start_denoising")


def test_progress_inside_an_epoch_is_shown_until_the_epoch_ends(play: Play) -> None:
    """A long epoch says how far it is; nothing follows from that, and an older epoch's news is ignored."""  # spec: D3
    event = Event(id="x", run="trainings/t", job=play.job().id)
    event.epoch_advanced.stage, event.epoch_advanced.token = 1, 5
    event.epoch_advanced.running.CopyFrom(
        pb.RunningEpoch(epoch=1, epoch_count=9, steps_done_count=2, step_count=4)
    )
    assert list(play.tell(event)) == []
    assert play.record.training.stages[0].running.steps_done_count == 2
    play.tell(epoch_completed(play.job(), 5, 1))
    assert not play.record.training.stages[0].HasField("running")
    play.tell(event)
    assert not play.record.training.stages[0].HasField("running")


def test_failure_has_its_own_text() -> None:
    """A reason that this version does not know is passed on as it is."""
    play = Play(new_training(N2V))
    play.tell(Grant())
    event = job_failed(play.job().id)
    event.job_failed.failure.CopyFrom(Failure(reason="INVENTED_LATER", message="?"))
    play.tell(event)
    assert play.record.training.failure.reason == "INVENTED_LATER"
