from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clearstack_engine.analysis import NoiseModel
from clearstack_engine.denoising import load_denoiser
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.recorruption import NoiseSource
from clearstack_engine.training import StageTrainer
from clearstack_engine.training.batches import recorrupt_batch
from numpy.typing import NDArray
from unit.engine.engine_examples import noisy_stack, psnr, smooth_stack, tiny

CPU = torch.device("cpu")
ROW_ZYX = np.ones((1, 1, 5), dtype=np.bool_)
TRIPLET_ZYX = np.ones((3, 1, 3), dtype=np.bool_)


def triangle(reach_px: int) -> NDArray[np.float32]:
    """The autocovariance of variance 4 of a moving average along x."""
    along_X = 4 * (1 - np.abs(np.arange(-reach_px, reach_px + 1)) / (reach_px + 1))
    return along_X.astype(np.float32)[None, None]


def source_of(autocovariance_ZYX: NDArray[np.float32], *, gain: float = 0.0, slices: int = 1) -> NoiseSource:
    """Of a stack with mean 100 and standard deviation 2, for patches of 32 px."""
    return NoiseSource(
        NoiseModel(autocovariance_ZYX=autocovariance_ZYX, mean_brightness=100.0, gain=gain),
        Normalisation(mean=100.0, std=2.0),
        patch_size_px=32,
        num_input_slices=slices,
        device=CPU,
    )


def drawn(source: NoiseSource, patches_BCYX: torch.Tensor) -> torch.Tensor:
    """Noise for these patches, seed 0."""
    return source.draw(patches_BCYX, torch.Generator().manual_seed(0))


def test_white_noise_has_the_measured_variance() -> None:
    """In units of the normalised stack: variance 4 is 1 where the stack's standard deviation is 2."""
    noise_BCYX = drawn(source_of(np.full((1, 1, 1), 4, dtype=np.float32)), torch.zeros(64, 1, 32, 32))
    assert float(noise_BCYX.var()) == pytest.approx(1.0, rel=0.03)
    assert abs(float((noise_BCYX[..., 1:] * noise_BCYX[..., :-1]).mean())) < 0.02


@pytest.mark.parametrize("reach_px", [1, 8, 29])
def test_correlated_noise_has_the_measured_covariance(reach_px: int) -> None:
    """At every offset along x, and none along y."""
    noise_BYX = drawn(source_of(triangle(reach_px)), torch.zeros(400, 1, 32, 32))[:, 0]
    for lag in {1, reach_px // 2, reach_px} - {0}:
        found = float((noise_BYX[..., lag:] * noise_BYX[..., :-lag]).mean())
        assert found == pytest.approx(1 - lag / (reach_px + 1), abs=0.06)
    assert abs(float((noise_BYX[:, 1:] * noise_BYX[:, :-1]).mean())) < 0.05


def test_photons_make_bright_places_noisier() -> None:
    """The variance follows the line over brightness."""
    source = source_of(np.full((1, 1, 1), 4, dtype=np.float32), gain=0.5)
    dark, bright = (drawn(source, torch.full((64, 1, 32, 32), level)).var() for level in (-1.0, 1.0))
    assert float(dark) == pytest.approx((4 - 0.5 * 2) / 4, rel=0.04)
    assert float(bright) == pytest.approx((4 + 0.5 * 2) / 4, rel=0.04)


def test_noise_of_a_triplet_goes_together_as_measured() -> None:
    """Measured between slices, it is drawn for all three; else for the middle one alone."""
    between_ZYX = np.array([2, 4, 2], dtype=np.float32)[:, None, None]
    noise_BCYX = drawn(source_of(between_ZYX, slices=3), torch.zeros(200, 3, 32, 32))
    assert float((noise_BCYX[:, 0] * noise_BCYX[:, 1]).mean()) == pytest.approx(0.5, abs=0.03)
    assert abs(float((noise_BCYX[:, 0] * noise_BCYX[:, 2]).mean())) < 0.03
    alone_BCYX = drawn(
        source_of(np.full((1, 1, 1), 4, dtype=np.float32), slices=3), torch.zeros(9, 3, 32, 32)
    )
    assert float(alone_BCYX[:, 1].var()) > 0.8
    assert not alone_BCYX[:, [0, 2]].any()


def test_recorrupted_pairs_have_independent_noise() -> None:
    """What is left of the noise in the input tells nothing about that in the target."""
    generator = torch.Generator().manual_seed(1)
    noisy_BCYX = torch.randn((200, 1, 32, 32), generator=generator)  # an empty image and its noise
    source = source_of(np.full((1, 1, 1), 4, dtype=np.float32))
    allowed_BYX = torch.ones((200, 32, 32), dtype=torch.bool)
    batch = recorrupt_batch(noisy_BCYX, allowed_BYX, source, generator=generator)
    assert abs(float((batch.inputs_BCYX[:, 0] * batch.targets_BYX).mean())) < 0.03
    assert abs(float((batch.inputs_BCYX * noisy_BCYX).mean())) > 0.9
    assert batch.centres_BYX.all()


def test_noise_is_measured_after_a_tenth_and_after_a_third() -> None:
    """The note gives the standard deviation in units of the stack; the best epoch counts anew each time."""
    config = tiny(num_epochs=12, posterior=True, patches_per_slice=20)
    stack_ZYX = noisy_stack(4, 64, 64)
    reports = list(StageTrainer(stack_ZYX, config, device="cpu").epochs())
    assert [report.epoch for report in reports if report.notes] == [2, 5]
    true = float(
        (stack_ZYX - smooth_stack(4, 64, 64) * 60000).std()
    )  # less than was added, for what was clipped
    for report in (reports[1], reports[4]):
        measured = float(report.notes[0].split("deviation ")[1].removesuffix("."))
        assert measured == pytest.approx(true, rel=0.2)
        assert report.is_best


def test_structured_noise_keeps_a_single_blind_spot_blind() -> None:
    """White noise drawn in its place would not be like it; the note says what removes it."""
    noise_ZYX = np.random.default_rng(0).normal(0, 6000, (4, 64, 64)).repeat(4, axis=2)[..., :64]
    stack_ZYX = (smooth_stack(4, 64, 64) * 30000 + 15000 + noise_ZYX).astype(np.float32)
    config = tiny(num_epochs=4, posterior=True, patches_per_slice=40)
    trainer = StageTrainer(stack_ZYX, config, device="cpu")
    reports = list(trainer.epochs())
    assert "autoStructN2V" in reports[1].notes[0]
    assert all(batch.added_BYX is None for batch in trainer._curriculum.batches(4))


def test_nothing_is_added_where_there_is_no_noise() -> None:
    """A stack without noise is trained on blind to the end."""
    stack_ZYX = (smooth_stack(4, 64, 64) * 60000).astype(np.uint16)
    trainer = StageTrainer(stack_ZYX, tiny(num_epochs=3, posterior=True), device="cpu")
    reports = list(trainer.epochs())
    assert "none to remove" in reports[1].notes[0]


@pytest.mark.parametrize(("slices", "mask_ZYX"), [(1, None), (1, ROW_ZYX), (3, None), (3, TRIPLET_ZYX)])
@pytest.mark.parametrize("last_epoch", [1, 2, 3])
def test_resumed_in_either_part_it_is_the_same_training(
    tmp_path: Path, slices: int, mask_ZYX: NDArray[np.bool_] | None, last_epoch: int
) -> None:
    """The measured noise is part of the checkpoint."""  # spec: D8
    stack_ZYX, config = noisy_stack(3, 32, 32), tiny(num_epochs=4, posterior=True, num_input_slices=slices)
    whole = StageTrainer(stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu")
    list(whole.epochs())
    first = StageTrainer(stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu")
    for report in first.epochs():
        if report.epoch == last_epoch:
            break
    first.save_checkpoint(tmp_path / "checkpoint.pt")
    second = StageTrainer(
        stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu", resume_from=tmp_path / "checkpoint.pt"
    )
    list(second.epochs())
    assert [report.val_loss for report in second.history] == [report.val_loss for report in whole.history]


def test_knowing_the_noise_beats_predicting_blind(tmp_path: Path) -> None:
    """With as many steps, what the pixel itself tells is worth decibels."""
    stack_ZYX, truth_ZYX = noisy_stack(4, 64, 64), smooth_stack(4, 64, 64)
    found = {}
    for posterior in (False, True):
        config = tiny(num_epochs=8, patches_per_slice=60, posterior=posterior, test_time_augmentation=True)
        trainer = StageTrainer(stack_ZYX, config, device="cpu")
        list(trainer.epochs())
        trainer.save_model(tmp_path / str(posterior))
        denoiser = load_denoiser(tmp_path / str(posterior), "cpu")
        denoised_ZYX = np.stack([denoiser.denoise_slice(slice_YX[None]) for slice_YX in stack_ZYX])
        found[posterior] = psnr(denoised_ZYX / 60000, truth_ZYX)
    assert found[True] > found[False]
