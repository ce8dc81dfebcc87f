"""Trainings and denoisings whose events come twice, late and out of order; and the same ones on a good day."""

from random import Random

from clearstack.v1 import config_pb2
from clearstack.v1.event_pb2 import Event
from clearstack.v1.record_pb2 import DenoisingRecord, Effect, TrainingRecord
from clearstack_gateway.workflow import Approve, Grant
from clearstack_gateway.workflow.denoising import advance, start
from unit.gateway.plays import Play, answers, denoising_answers, new_denoising, new_training

_MOST_COPIES = 3


class Post:
    """Events on their way: handed over in any order, each at least once, some of them several times."""

    def __init__(self, random: Random | None) -> None:
        self._random = random
        self._waiting: list[Event] = []

    def send(self, events: list[Event]) -> None:
        """Puts events on their way."""
        for event in events:
            num_copies = self._random.randint(1, _MOST_COPIES) if self._random else 1
            self._waiting += [event] * num_copies

    def next(self) -> Event | None:
        """The event that arrives now; None when none is on its way."""
        if not self._waiting:
            return None
        return self._waiting.pop(self._random.randrange(len(self._waiting)) if self._random else 0)


def train(
    method: "config_pb2.Method.ValueType", random: Random | None = None
) -> tuple[TrainingRecord, list[Effect]]:
    """A training from its creation until nothing is on its way any more; in order without `random`."""
    play, post = Play(new_training(method)), Post(random)
    while True:
        event = post.next()
        # A late event may come long after the queue, or the person, has decided.
        if event is not None:
            doing = play.tell(event)
        elif play.state == "QUEUED":
            doing = play.tell(Grant())
        elif play.state == "AWAITING_REVIEW":
            doing = play.tell(Approve())
        else:
            return _without_progress(play.record), play.effects
        for effect in doing:
            post.send(list(answers(effect, token=1)))


def denoise(
    num_slices: int, pixels_per_range: int, random: Random | None = None
) -> tuple[DenoisingRecord, list[Effect]]:
    """A denoising from its creation until nothing is on its way any more; in order without `random`."""
    post, effects = Post(random), list[Effect]()
    record, doing = start(new_denoising(num_slices), pixels_per_range)
    while True:
        effects += doing
        for effect in doing:
            if effect.HasField("job"):
                post.send(denoising_answers(effect.job))
        if (event := post.next()) is None:
            return record, effects
        record, doing = advance(record, event)


def _without_progress(record: TrainingRecord) -> TrainingRecord:
    """An epoch that is told after its stage's end is not shown any more; all that counts is there."""
    for stage in record.training.stages:
        for field in ("progress", "running", "device", "notes"):
            stage.ClearField(field)
    return record
