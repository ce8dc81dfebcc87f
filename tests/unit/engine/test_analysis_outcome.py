from functools import cache

import numpy as np
import pytest
from clearstack_engine.analysis.findings import Finding, judge_result
from clearstack_engine.analysis.outcome import Outcome, OutcomeMeter
from clearstack_stacks.samples import Sample, make_sample
from numpy.typing import NDArray
from scipy import ndimage
from unit.engine.test_analysis_meter import stage_one

Stack = NDArray[np.float64]


@cache
def sample(name: str) -> Sample:
    """A noisy stack with its truth."""
    return make_sample(name, num_slices=4, side_px=192)


def outcome(name: str, denoised_ZYX: NDArray[np.generic]) -> Outcome:
    """What became of a sample."""
    meter = OutcomeMeter()
    for noisy_YX, denoised_YX in zip(sample(name).noisy_ZYX, denoised_ZYX, strict=True):
        meter.add(noisy_YX.astype(np.float32), denoised_YX.astype(np.float32))
    return meter.result()


def truth(name: str) -> Stack:
    """The perfect result."""
    return sample(name).truth_ZYX.astype(np.float64)


def predicted(name: str) -> Stack:
    """The result of stage 1, near enough."""
    return stage_one(sample(name).noisy_ZYX.astype(np.float64))


def verdict(name: str, denoised_ZYX: Stack, *, stage: int = 1, structured: bool = False) -> Finding:
    """The verdict on a result that nothing is compared with."""
    return judge_result(outcome(name, denoised_ZYX), stage, is_structured_method=structured, stage_one=None)


@pytest.mark.parametrize("name", ["white", "poisson"])
def test_random_noise_that_was_removed_leaves_a_white_residual(name: str) -> None:
    """N2V on random noise is told that all is well."""  # spec: F3
    for denoised_ZYX in (truth(name), predicted(name)):
        found = verdict(name, denoised_ZYX)
        assert (found.kind, found.headline) == ("good", "residual is white")


@pytest.mark.parametrize("name", ["rows", "stripes"])
def test_structured_noise_that_stays_is_noticed(name: str) -> None:
    """N2V on structured noise is told which method to try."""  # spec: F3, G
    found = verdict(name, predicted(name))
    assert found.headline == "structure remains: try autoStructN2V"
    assert "autostructn2v" in found.text


def test_structured_noise_that_partly_stays_is_noticed() -> None:
    """A residual with the pattern of the noise is not enough: it has to have all of it."""  # spec: F3, G
    half_ZYX = 0.4 * sample("rows").noisy_ZYX + 0.6 * truth("rows")
    assert verdict("rows", half_ZYX).kind == "structure-remains"


def test_stage_one_of_two_is_told_what_comes_next() -> None:
    """Structure that remains after stage 1 of autoStructN2V is what stage 2 is for."""  # spec: F3
    assert "stage 2 is for that" in verdict("rows", predicted("rows"), structured=True).headline


def test_stage_two_that_leaves_structure_names_the_parameters() -> None:
    """The way to a larger mask."""  # spec: F3, G
    found = verdict("rows", predicted("rows"), stage=2, structured=True)
    assert "Base Percentile" in found.text
    assert "Max Masked Pixels" in found.text


@pytest.mark.parametrize("name", ["rows", "stripes"])
def test_structured_noise_that_was_removed_is_recognised(name: str) -> None:
    """The residual has the pattern of the noise, and should have."""  # spec: F3
    found = verdict(name, truth(name), stage=2, structured=True)
    assert (found.kind, found.headline) == ("good", "structured noise was removed")


def test_noise_removed_is_estimated() -> None:
    """Nearly all for the truth, nothing for the input itself."""  # spec: F3
    assert outcome("white", truth("white")).removed_percent > 90
    assert outcome("white", 0.99 * sample("white").noisy_ZYX).removed_percent < 5
    assert outcome("rows", predicted("rows")).removed_percent < 20
    noise_std = outcome("white", truth("white")).noise_std
    assert noise_std == pytest.approx(25 / 255 * 65535, rel=0.15)


def test_signal_that_was_lost_is_noticed() -> None:
    """A blurred result takes structure for noise."""  # spec: F3
    edges_ZYX = np.kron(np.random.default_rng(0).random((3, 8, 8)) > 0.6, np.ones((1, 32, 32))) * 0.6
    noisy_ZYX = edges_ZYX + np.random.default_rng(1).normal(0, 0.05, edges_ZYX.shape)
    found = {}
    for name, denoised_ZYX in (
        ("sharp", edges_ZYX),
        ("blurred", ndimage.gaussian_filter(edges_ZYX, (0, 2, 2))),
    ):
        meter = OutcomeMeter()
        for noisy_YX, denoised_YX in zip(noisy_ZYX, denoised_ZYX, strict=True):
            meter.add(noisy_YX.astype(np.float32), denoised_YX.astype(np.float32))
        found[name] = meter.result()
    assert found["sharp"].lost_percent == 0
    assert found["blurred"].lost_percent > 30


def test_stage_two_worse_than_stage_one_is_said() -> None:
    """The report names the way back; stage 1 is kept."""  # spec: G
    first, second = outcome("rows", truth("rows")), outcome("rows", predicted("rows"))
    found = judge_result(second, 2, is_structured_method=True, stage_one=first)
    assert found.headline == "stage 2 is worse than stage 1"
    assert "Use the result of stage 1" in found.text
    assert judge_result(first, 2, is_structured_method=True, stage_one=second).is_good


def test_a_clean_stack_has_nothing_that_could_be_removed() -> None:
    """Without noise the report says so."""  # spec: F3
    meter = OutcomeMeter()
    for slice_YX in sample("white").truth_ZYX.astype(np.float32):
        meter.add(slice_YX, ndimage.gaussian_filter(slice_YX, 0.7))
    found = judge_result(meter.result(), 1, is_structured_method=False, stage_one=None)
    assert found.kind == "no-noise"
