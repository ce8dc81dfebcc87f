"""Events twice, late and out of order lead where events in order lead; the long form is in tests/chaos."""

from random import Random

import pytest
from clearstack.v1 import config_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.gateway.disorder import denoise, train
from unit.gateway.plays import N2V, STRUCT


@pytest.mark.parametrize("method", [N2V, STRUCT])
@settings(max_examples=400, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_training_ends_as_if_in_order(method: "config_pb2.Method.ValueType", random: Random) -> None:
    """Whatever the order and the repetitions: the same record, and the same jobs, once each."""  # spec: D8
    record, effects = train(method, random)
    expected, expected_effects = train(method)
    assert record == expected
    assert [each.job.id for each in effects] == [each.job.id for each in expected_effects]


@settings(max_examples=400, deadline=None)
@given(
    num_slices=st.integers(1, 9),
    pixels=st.sampled_from([100, 200, 10**6]),
    random=st.randoms(use_true_random=False),
)
def test_denoising_ends_as_if_in_order(num_slices: int, pixels: int, random: Random) -> None:
    """Whichever range is finished first, whatever is told twice: the same record, the same jobs."""  # spec: D8, E4
    assert denoise(num_slices, pixels, random) == denoise(num_slices, pixels)
