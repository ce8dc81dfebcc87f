"""The life of a training: every path that the specification has."""

import pytest
from clearstack.v1 import training_pb2 as pb
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.event_pb2 import StateChanged
from clearstack.v1.mask_pb2 import MaskSummary
from clearstack_common.errors import WrongStateError
from clearstack_gateway.workflow import (
    Approve,
    Cancel,
    Decision,
    Grant,
    Regenerate,
    SetAutoApprove,
    SkipStageTwo,
)
from unit.gateway.plays import N2V, NOTHING, STRUCT, Play, files, job_failed, new_training

ONE_STAGE = ["QUEUED", "TRAINING", "DENOISING"]
TO_REVIEW = [*ONE_STAGE, "EXTRACTING_MASK", "AWAITING_REVIEW"]
STRICTER = Regenerate(config=MaskExtractorConfig(base_percentile=70))


def _reviewed() -> Play:
    return Play(new_training(STRUCT)).serve()


def test_n2v_has_one_stage() -> None:
    """N2V: train, denoise, done; its own stack is denoised when it completes."""  # spec: A1, D6
    play = Play(new_training(N2V)).serve()
    assert play.states == [*ONE_STAGE, "COMPLETE"]
    assert play.record.training.result_stack == "stacks/t-stage1-attempt1"
    assert play.record.training.model == "models/t"


def test_autostructn2v_waits_for_the_review() -> None:
    """After stage 1 the stack is denoised and the mask extracted; then a person is asked."""  # spec: A2, D9, D10
    assert _reviewed().states == TO_REVIEW


def test_approve_trains_stage_two() -> None:
    """An approved mask goes into stage 2, whose result is the final one; stage 1's stays."""  # spec: D10, D13
    play = _reviewed()
    play.tell(Approve())
    assert play.state == "QUEUED"
    play.tell(Grant())
    assert play.job().train.mask.object_key == "models/default/t/mask/revision1/mask.npy"
    play.serve()
    assert play.states == [*TO_REVIEW, *ONE_STAGE, "COMPLETE"]
    training = play.record.training
    assert training.result_stack == training.stages[1].result_stack == "stacks/t-stage2-attempt1"
    assert training.stages[0].result_stack == "stacks/t-stage1-attempt1"


def test_auto_approve_goes_straight_on() -> None:
    """With auto-approve nobody is asked."""  # spec: D10
    play = Play(new_training(STRUCT, auto_approve=True)).serve()
    assert play.states == [*TO_REVIEW[:-1], *ONE_STAGE, "COMPLETE"]


def test_auto_approve_with_nothing_found_skips_stage_two() -> None:
    """Without structured noise stage 2 is skipped, not trained on nothing, and a note says so."""  # spec: D11
    play = Play(new_training(STRUCT, auto_approve=True)).serve(NOTHING)
    assert play.states == [*TO_REVIEW[:-1], "COMPLETE"]
    training = play.record.training
    assert training.stages[1].state == pb.STAGE_STATE_SKIPPED
    assert training.result_stack == training.stages[0].result_stack
    assert "No structured noise detected" in training.notes[0]


def test_nothing_found_is_still_asked_about() -> None:
    """Without auto-approve a person decides, also when nothing was found."""  # spec: D11
    assert Play(new_training(STRUCT)).serve(NOTHING).state == "AWAITING_REVIEW"


def test_skip_makes_stage_one_final() -> None:
    """Skipping ends the training with stage 1's result and model."""  # spec: D10
    play = _reviewed()
    play.tell(SkipStageTwo())
    assert play.state == "COMPLETE"
    assert play.record.training.result_stack == "stacks/t-stage1-attempt1"
    assert [stage.number for stage in play.effects[-1].register_model.stages] == [1]


def test_regenerate_is_repeatable_without_retraining() -> None:
    """Each regeneration extracts anew from the correlation that was measured once, with a revision of its own."""  # spec: D10
    play = _reviewed()
    assert not play.job().extract.HasField("correlation")
    for revision in (2, 3, 4):
        play.tell(STRICTER)
        job = play.job()
        assert (job.extract.revision, job.extract.config.base_percentile) == (revision, 70)
        assert job.extract.config.percentile_decay == 1.15  # what is not set stays
        assert job.extract.correlation.file_name == "correlation.npz"
        play.serve()
        assert play.record.training.mask.revision == revision
    assert play.states == [*TO_REVIEW, *["EXTRACTING_MASK", "AWAITING_REVIEW"] * 3]
    assert sum(effect.job.HasField("train") for effect in play.effects) == 1


def test_regenerated_mask_is_shown_despite_auto_approve() -> None:
    """Auto-approval is for the first mask; whoever regenerates wants to see the next."""  # spec: D10, D12
    play = Play(new_training(STRUCT, auto_approve=True)).serve()
    play.tell(STRICTER)
    assert play.serve().state == "AWAITING_REVIEW"


def test_complete_training_can_be_taken_up_again() -> None:
    """After stage 2: regenerate and approve train it anew under a name of its own; the old result stays till then."""  # spec: D12
    play = _reviewed()
    play.tell(Approve())
    play.serve()
    play.tell(STRICTER)
    play.serve()
    play.tell(Approve())
    before = play.record.training
    assert before.result_stack == before.stages[1].result_stack == "stacks/t-stage2-attempt1"
    play.serve()
    assert play.state == "COMPLETE"
    assert play.record.training.result_stack == "stacks/t-stage2-attempt2"
    stages = [
        (effect.job.train.stage, effect.job.train.attempt)
        for effect in play.effects
        if effect.job.HasField("train")
    ]
    assert stages == [(1, 1), (2, 1), (2, 2)]


def test_skipped_stage_can_be_trained_later() -> None:
    """A training that skipped stage 2 can be taken up again."""  # spec: D12
    play = _reviewed()
    play.tell(SkipStageTwo())
    play.tell(STRICTER)
    play.serve()
    play.tell(Approve())
    assert play.serve().record.training.stages[1].state == pb.STAGE_STATE_COMPLETE


def test_edited_mask_is_used_and_the_correlation_kept() -> None:
    """An edited mask replaces the extracted one; a later regeneration starts from the measurement again."""  # spec: D10
    play = _reviewed()
    edited = tuple(files("edited", "mask.json", "mask.npy"))
    summary = MaskSummary(revision=1, message="Edited by hand")
    play.tell(Approve(edited_summary=summary, edited_files=edited))
    play.tell(Grant())
    assert play.job().train.mask == edited[1]
    play.serve()
    assert play.record.training.mask == summary
    model = next(e.register_model for e in reversed(play.effects) if e.HasField("register_model"))
    assert list(model.mask_files) == list(edited)
    play.tell(STRICTER)
    assert play.job().extract.correlation.object_key.endswith("revision1/correlation.npz")
    assert play.job().extract.revision == 2


def test_history_tells_every_state_once() -> None:
    """Each change of state is an event with a number of its own."""  # spec: D2
    play = _reviewed()
    play.tell(Approve())
    play.serve()
    told = [effect.event for effect in play.effects if effect.HasField("event")]
    assert [event.state_changed.state for event in told] == play.states[1:]
    assert [event.id for event in told] == [f"t.state.{n}" for n in range(1, len(told) + 1)]


STATES = ["QUEUED", "TRAINING", "DENOISING", "EXTRACTING_MASK", "AWAITING_REVIEW"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("round_number", [1, 2])
def test_cancel_works_everywhere(state: str, round_number: int) -> None:
    """A training can be cancelled in every state before its end, in either stage; nothing is awaited afterwards."""  # spec: D7
    play = Play(new_training(STRUCT))
    if round_number == 2:
        play.serve()
        play.tell(Approve() if state in {"QUEUED", "TRAINING", "DENOISING"} else STRICTER)
    if state != play.state:
        play.serve_until(state)
    started = [job for job in play.record.active_jobs if job.startswith("denoisings/")]
    doing = play.tell(Cancel())
    assert play.state == "CANCELLED"
    assert list(play.record.active_jobs) == []
    assert [effect.cancel_denoising for effect in doing if effect.HasField("cancel_denoising")] == started
    assert doing[-1].event.state_changed == StateChanged(state="CANCELLED")


@pytest.mark.parametrize(
    ("decision", "allowed"),
    [
        (Grant(), {"QUEUED"}),
        (Approve(), {"AWAITING_REVIEW"}),
        (SkipStageTwo(), {"AWAITING_REVIEW"}),
        (STRICTER, {"AWAITING_REVIEW", "COMPLETE"}),
        (SetAutoApprove(enabled=True), {"QUEUED", "TRAINING", "DENOISING", "EXTRACTING_MASK"}),
        (Cancel(), set(STATES)),
    ],
)
def test_decision_is_for_its_states(decision: Decision, allowed: set[str]) -> None:
    """A decision in any other state is refused with the state in the text, and changes nothing."""
    for state in [*STATES, "COMPLETE", "CANCELLED"]:
        play = Play(new_training(STRUCT))
        if state in {"COMPLETE", "CANCELLED"}:
            play.serve().tell(SkipStageTwo() if state == "COMPLETE" else Cancel())
        else:
            play.serve_until(state)
        if state in allowed:
            play.tell(decision)
        else:
            with pytest.raises(WrongStateError, match=state):
                play.tell(decision)


def test_auto_approve_cannot_be_changed_once_the_mask_is_there() -> None:
    """Auto-approve can be set until the mask exists, and not in the queue for stage 2."""  # spec: D10
    play = _reviewed()
    play.tell(Approve())
    with pytest.raises(WrongStateError, match="until the mask is there"):
        play.tell(SetAutoApprove(enabled=True))


def test_n2v_has_no_mask_to_regenerate() -> None:
    """Regenerating the mask of an N2V training is refused and says what would have one."""
    play = Play(new_training(N2V)).serve()
    with pytest.raises(WrongStateError, match="autostructn2v"):
        play.tell(STRICTER)


def _begun_anew() -> Play:
    """Stage 2 is complete, its mask was regenerated and approved, and stage 2 has the slot again."""
    play = _reviewed()
    play.tell(Approve())
    play.serve()
    play.tell(STRICTER)
    play.serve()
    return play


def test_failed_second_attempt_leaves_the_first_result() -> None:
    """A new stage 2 that fails takes nothing away: the training is COMPLETE with its earlier result, and says so."""  # spec: D12
    play = _begun_anew()
    play.tell(Approve())
    play.tell(Grant())
    play.tell(job_failed(play.job().id))
    training = play.record.training
    assert (play.state, training.result_stack) == ("COMPLETE", "stacks/t-stage2-attempt1")
    assert training.stages[1].state == pb.STAGE_STATE_FAILED
    assert "earlier result stays" in training.notes[-1]


def test_skipped_second_attempt_leaves_a_model_of_stage_one() -> None:
    """Who regenerates and then skips wants stage 1: the model does not keep the stage 2 of the earlier mask."""  # spec: D10, D12
    play = _begun_anew()
    doing = play.tell(SkipStageTwo())
    model = next(effect.register_model for effect in doing if effect.HasField("register_model"))
    assert [stage.number for stage in model.stages] == [1]
    assert play.record.training.result_stack == "stacks/t-stage1-attempt1"


def test_stage_that_never_began_is_marked() -> None:
    """A stage that had the slot and was cancelled before a trainer took it is CANCELLED, not PENDING."""  # spec: D7
    play = Play(new_training(N2V))
    play.tell(Grant())
    play.tell(Cancel())
    assert play.record.training.stages[0].state == pb.STAGE_STATE_CANCELLED
