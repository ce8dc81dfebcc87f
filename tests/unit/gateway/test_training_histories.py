"""Random lives of trainings: events that come twice, late, in any order or from zombies, and decisions at any time."""

import pytest
from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.event_pb2 import Event
from clearstack.v1.record_pb2 import TrainingRecord
from clearstack_common.errors import WrongStateError
from clearstack_gateway.workflow import (
    Approve,
    Cancel,
    Decision,
    Grant,
    Regenerate,
    Resume,
    Retry,
    SetAutoApprove,
    SkipStageTwo,
)
from clearstack_gateway.workflow.training import TERMINAL, advance
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.gateway.plays import N2V, NOTHING, STRIPES, STRUCT, Play, answers, files, job_failed, new_training

ENDS = {"FAILED", "CANCELLED"}
LEGAL = {
    "QUEUED": {"TRAINING", "CANCELLED"},
    "TRAINING": {"DENOISING", *ENDS},
    "DENOISING": {"EXTRACTING_MASK", "COMPLETE", *ENDS},
    "EXTRACTING_MASK": {"AWAITING_REVIEW", "QUEUED", "COMPLETE", *ENDS},
    "AWAITING_REVIEW": {"EXTRACTING_MASK", "QUEUED", "COMPLETE", "CANCELLED"},
    "COMPLETE": {"EXTRACTING_MASK"},
    "FAILED": {"QUEUED", "DENOISING", "EXTRACTING_MASK"},
    "CANCELLED": set(),
}
AWAITING_A_JOB = {"TRAINING", "DENOISING", "EXTRACTING_MASK"}
DECISIONS: list[Decision] = [
    Approve(),
    Approve(edited_files=tuple(files("edited", "mask.json", "mask.npy"))),
    Regenerate(config=MaskExtractorConfig(base_percentile=70)),
    SkipStageTwo(),
    SetAutoApprove(enabled=True),
    SetAutoApprove(enabled=False),
    Grant(),
    Retry(incarnation=""),  # each has its own
]
# What happens next: mostly any event that was ever sent, now and then a decision, seldom an end.
Steps = list[tuple[int, int]]
STEPS = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 2**16)), max_size=40)


class RandomPlay(Play):
    """Keeps every event that any service may have sent, and checks the rules at each step."""

    def __init__(self, record: TrainingRecord, *, repeat: bool = False) -> None:
        super().__init__(record)
        self.sent: list[Event] = []
        self._repeat = repeat
        self._num_retries = 0

    def step(self, choice: int, number: int) -> None:
        """One thing happens."""
        happening = self._choose(choice, number)
        before, state = self.record.SerializeToString(deterministic=True), self.state
        given = self.record
        try:
            doing = self.tell(happening)
        except WrongStateError:
            assert not isinstance(happening, Event)
            doing = []
        assert given.SerializeToString(deterministic=True) == before
        self._check(state)
        if self._repeat and isinstance(happening, Event):
            assert list(self.tell(happening)) == []
        for effect in doing:
            self.sent.extend(answers(effect, number % 4, NOTHING if number % 5 == 0 else STRIPES))
            self.sent.extend(answers(effect, 5))
        if doing and self.record.active_jobs and number % 7 == 0:
            self.sent.append(job_failed(self.record.active_jobs[0]))

    def _choose(self, choice: int, number: int) -> Event | Decision:
        chosen = self._any(choice, number)
        if isinstance(chosen, Retry):
            self._num_retries += 1
            return Retry(incarnation=f"retry{self._num_retries}")
        return chosen

    def _any(self, choice: int, number: int) -> Event | Decision:
        if choice == 19:
            return Cancel() if number % 9 == 0 else DECISIONS[number % len(DECISIONS)]
        if choice > 14:
            return DECISIONS[number % len(DECISIONS)]
        if self.state == "QUEUED" and choice > 8:
            return Grant()
        if not self.sent:
            return Grant()
        # The newest are the likeliest, but any can come at any time.
        if 8 < choice < 12:
            return self.sent[-1]
        recent = self.sent[-8:] if choice > 3 else self.sent
        return recent[number % len(recent)]

    def _check(self, before: str) -> None:
        assert self.state == before or self.state in LEGAL[before]
        record = self.record
        assert len(record.active_jobs) == (self.state in AWAITING_A_JOB)
        assert record.training.HasField("failure") == (self.state == "FAILED")
        assert record.state_change_count == len(
            [each for each in self.effects if each.event.HasField("state_changed")]
        )
        if self.state == "COMPLETE":
            assert record.training.result_stack
        if record.training.method == N2V:
            assert self.state not in {"EXTRACTING_MASK", "AWAITING_REVIEW"}
        self._check_way_out()

    def _check_way_out(self) -> None:
        if self.record.training.state not in TERMINAL:
            cancelled, _ = advance(self.record, Cancel())
            assert list(cancelled.active_jobs) == []
            return
        with pytest.raises(WrongStateError):
            advance(self.record, Cancel())


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
