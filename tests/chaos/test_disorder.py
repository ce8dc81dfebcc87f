"""Events in any order: ten thousand lives of trainings and denoisings on paper."""

from random import Random

import pytest
from chaos.support.recorder import Recorder
from clearstack.v1 import denoising_pb2, training_pb2
from clearstack.v1.training_pb2 import TrainingState
from unit.gateway.disorder import denoise, train
from unit.gateway.plays import N2V, STRUCT
from unit.gateway.random_plays import RandomPlay, random_life

_HISTORIES = 10_000


@pytest.mark.chaos_long
@pytest.mark.timeout(1800)
def test_ten_thousand_histories_end_as_in_order(figure: Recorder) -> None:
    """Every event up to three times, in any order: the same record and the same jobs as in order."""  # spec: D8
    expected = {method: train(method) for method in (N2V, STRUCT)}
    others = 0
    for seed in range(_HISTORIES):
        random = Random(seed)
        if seed % 3 == 2:
            num_slices = random.randint(1, 9)
            others += denoise(num_slices, 200, random) != denoise(num_slices, 200)
            continue
        method = (N2V, STRUCT)[seed % 3]
        record, effects = train(method, random)
        others += record != expected[method][0]
        others += [each.job.id for each in effects] != [each.job.id for each in expected[method][1]]
    figure(
        "events that come twice, late and out of order lead to the same end",
        f"{_HISTORIES:,} lives of trainings and denoisings, each event 1 to 3 times, shuffled",
        f"{others} ended otherwise than in order",
    )
    assert not others
    assert expected[STRUCT][0].training.state == training_pb2.TRAINING_STATE_COMPLETE
    assert denoise(3, 200)[0].denoising.state == denoising_pb2.DENOISING_STATE_COMPLETE


@pytest.mark.chaos_long
@pytest.mark.timeout(1800)
def test_ten_thousand_lives_break_no_rule(figure: Recorder) -> None:
    """Random events and decisions, failures, zombies, retries: each step is legal and leaves a way out."""  # spec: D7, D8
    ends: dict[str, int] = {}
    num_steps = 0
    for seed in range(_HISTORIES):
        play: RandomPlay = random_life(Random(seed))
        num_steps += play.num_steps
        state = TrainingState.Name(play.record.training.state).removeprefix("TRAINING_STATE_")
        ends[state] = ends.get(state, 0) + 1
    figure(
        "a run is never in an illegal state, and there is always a way out",
        f"{_HISTORIES:,} random lives with failures, zombies, retries and decisions at any time, {num_steps:,} steps",
        f"0 rules broken; from every state that is not an end, Cancel led to one ({len(ends)} states were last ones)",
    )
    assert sum(ends.values()) == _HISTORIES
    assert {"COMPLETE", "FAILED", "CANCELLED"} <= set(ends)
