"""Random lives of trainings: events that come twice, late, in any order or from zombies, and decisions at any time."""

import pytest
from clearstack.v1 import config_pb2
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common.errors import WrongStateError
from clearstack_gateway.workflow import Approve, Resume, Retry
from clearstack_gateway.workflow.training import TERMINAL
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.gateway.plays import N2V, STRUCT, new_training
from unit.gateway.random_plays import RandomPlay, Steps

STEPS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 2**16)), max_size=40)


def _played(record: TrainingRecord, steps: Steps, *, repeat: bool = False) -> RandomPlay:
    play = RandomPlay(record, repeat=repeat)
    for step in steps:
        play.step(*step)
    return play


@settings(max_examples=2000, deadline=None)
@given(method=st.sampled_from([STRUCT, N2V]), steps=STEPS, auto_approve=st.booleans())
def test_no_history_breaks_the_rules(
    method: "config_pb2.Method.ValueType", steps: Steps, auto_approve: bool
) -> None:
    """Nothing but WrongStateError is raised, no illegal state is reached, no input is changed, Cancel always works."""  # spec: D7, D8
    _played(new_training(method, auto_approve=auto_approve), steps)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, auto_approve=st.booleans())
def test_event_that_comes_twice_counts_once(steps: Steps, auto_approve: bool) -> None:
    """A history in which every event is repeated ends as the one in which each comes once."""  # spec: D8
    record = new_training(STRUCT, auto_approve=auto_approve)
    once, twice = _played(record, steps), _played(record, steps, repeat=True)
    assert once.record == twice.record
    assert once.effects == twice.effects


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, auto_approve=st.booleans())
def test_every_history_can_still_be_completed(steps: Steps, auto_approve: bool) -> None:
    """However a training got where it is, failed even: with a retry, services that answer and a person it completes."""  # spec: D8, D10
    play = _played(new_training(STRUCT, auto_approve=auto_approve), steps)
    play.token = 100
    if play.state == "FAILED":
        play.tell(Retry(incarnation="last"))
    _serve_to_the_end(play)
    assert play.state in {"COMPLETE", "CANCELLED"}


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, auto_approve=st.booleans())
def test_every_history_goes_on_without_its_jobs(steps: Steps, auto_approve: bool) -> None:
    """A training whose jobs and events are lost with the broker begins its step anew, and completes."""  # spec: D8
    play = _played(new_training(STRUCT, auto_approve=auto_approve), steps)
    if play.record.training.state in TERMINAL:
        with pytest.raises(WrongStateError):
            play.tell(Resume(incarnation="restored"))
        return
    lost, play.effects = play.effects, []
    play.tell(Resume(incarnation="restored"))
    play.token = 100
    _serve_to_the_end(play)
    assert play.state == "COMPLETE"
    assert not {each.job.id for each in lost} & {each.job.id for each in play.effects if each.job.id}


def _serve_to_the_end(play: RandomPlay) -> None:
    play.serve()
    if play.state == "AWAITING_REVIEW":
        play.tell(Approve())
        play.serve()


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_no_job_is_sent_twice(steps: Steps) -> None:
    """Every job, denoising and event has a name of its own: the broker would drop a repeated one."""  # spec: D12
    play = _played(new_training(STRUCT), steps)
    names = [
        each.job.id or each.event.id or each.start_denoising.denoising.name or each.WhichOneof("kind")
        for each in play.effects
        if not each.HasField("register_model") and not each.HasField("cancel_denoising")
    ]
    assert len(set(names)) == len(names)
