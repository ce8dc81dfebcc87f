"""One training to which anything happens at any time; the rules are checked at each step."""

from random import Random

import pytest
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
    Retry,
    SetAutoApprove,
    SkipStageTwo,
)
from clearstack_gateway.workflow.training import TERMINAL, advance
from unit.gateway.plays import N2V, NOTHING, STRIPES, STRUCT, Play, answers, files, job_failed, new_training

ENDS = {"FAILED", "CANCELLED"}
LEGAL = {
    "QUEUED": {"TRAINING", "CANCELLED"},
    # To COMPLETE: when a second attempt fails the earlier result stays.
    "TRAINING": {"DENOISING", "COMPLETE", *ENDS},
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
_MOST_STEPS = 40


class RandomPlay(Play):
    """Keeps every event that any service may have sent, and checks the rules at each step."""

    def __init__(self, record: TrainingRecord, *, repeat: bool = False) -> None:
        super().__init__(record)
        self.sent: list[Event] = []
        self._repeat = repeat
        self._num_retries = 0
        self.num_steps = 0

    def step(self, choice: int, number: int) -> None:
        """One thing happens."""
        self.num_steps += 1
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


def random_life(random: Random) -> RandomPlay:
    """A training of either method with up to 40 steps."""
    play = RandomPlay(new_training(random.choice([N2V, STRUCT]), auto_approve=random.random() < 0.5))
    for _ in range(random.randint(0, _MOST_STEPS)):
        play.step(random.randint(0, 19), random.randint(0, 2**16))
    return play
