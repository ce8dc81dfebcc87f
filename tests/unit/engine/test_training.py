from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clearstack_engine.errors import ModelFilesError, OutOfMemoryError, StackError
from clearstack_engine.training import EpochReport, StageTrainer, StepProgress
from clearstack_engine.training.micro_batches import MicroBatches
from clearstack_engine.training.schedule import learning_rate
from unit.engine.engine_examples import noisy_stack, tiny

ROW_ZYX = np.ones((1, 1, 5), dtype=np.bool_)


def weights(trainer: StageTrainer, folder: Path) -> dict[str, torch.Tensor]:
    """The weights that the trainer saves."""
    trainer.save_model(folder)
    loaded: dict[str, torch.Tensor] = torch.load(folder / "weights.pth", weights_only=True)
    return loaded


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


@pytest.mark.parametrize(("slices", "mask_ZYX"), [(1, None), (1, ROW_ZYX), (3, None)])
@pytest.mark.parametrize("last_epoch", [1, 2])
def test_resumed_training_is_the_same(
    tmp_path: Path, slices: int, mask_ZYX: np.ndarray | None, last_epoch: int
) -> None:
    """Interrupted after any epoch and resumed, a training ends with the same bits and the same history."""  # spec: D8
    stack_ZYX, config = noisy_stack(3, 24, 20), tiny(num_input_slices=slices)
    whole = StageTrainer(stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu")
    assert len(list(whole.epochs())) == config.num_epochs
    first = StageTrainer(stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu")
    for report in first.epochs():
        first.save_checkpoint(tmp_path / "checkpoint.pt")
        if report.epoch == last_epoch:
            break
    second = StageTrainer(
        stack_ZYX, config, mask_ZYX=mask_ZYX, device="cpu", resume_from=tmp_path / "checkpoint.pt"
    )
    assert second.start_epoch == last_epoch + 1
    assert [report.epoch for report in second.epochs()] == list(range(last_epoch + 1, config.num_epochs + 1))
    assert [r.val_loss for r in second.history] == [r.val_loss for r in whole.history]
    assert same(weights(whole, tmp_path / "whole"), weights(second, tmp_path / "second"))


def test_another_seed_is_another_training(tmp_path: Path) -> None:
    """The seed decides; the same seed decides the same."""  # spec: C14
    found = []
    for number, seed in enumerate([1, 1, 2**63 - 1]):
        trainer = StageTrainer(noisy_stack(2, 24, 24), tiny(num_epochs=1, seed=seed), device="cpu")
        list(trainer.epochs())
        found.append(weights(trainer, tmp_path / str(number)))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_report_of_an_epoch() -> None:
    """Epochs count from 1, the best loss is the lowest, the time left runs out, every step is told."""  # spec: D3
    steps: list[StepProgress] = []
    config = tiny()
    trainer = StageTrainer(noisy_stack(3, 24, 24), config, device="cpu", on_step=steps.append)
    reports = list(trainer.epochs())
    assert reports == trainer.history
    assert [r.epoch for r in reports] == [1, 2, 3]
    assert [r.best_val_loss for r in reports] == [min(r.val_loss for r in reports[: n + 1]) for n in range(3)]
    assert reports[0].seconds_left > 0
    assert reports[-1].seconds_left == 0
    assert reports[0].patches_per_s > 0
    assert [s.step for s in steps] == [1, 2, 3, 4] * 3
    assert {s.num_steps for s in steps} == {4}


def test_early_stopping_ends_the_stage(tmp_path: Path) -> None:
    """A loss that no longer falls ends the stage after the patience; resuming does not start it again."""  # spec: D5
    config = tiny(num_epochs=50, early_stopping_patience=2, learning_rate=1e-9)
    stack_ZYX = np.random.default_rng(0).normal(size=(2, 24, 24)).astype(np.float32)
    trainer = StageTrainer(stack_ZYX, config, device="cpu")
    reports = list(trainer.epochs())
    assert reports[-1].stopped_early or len(reports) == 50
    best = max(r.epoch for r in reports if r.is_best)
    assert reports[-1].epoch == best + 2
    assert reports[-1].seconds_left == 0
    trainer.save_checkpoint(tmp_path / "checkpoint.pt")
    assert list(StageTrainer(stack_ZYX, config, resume_from=tmp_path / "checkpoint.pt").epochs()) == []


def test_raising_from_a_step_ends_the_training() -> None:
    """Cancelling takes effect within a step."""  # spec: D7

    def cancel(_: StepProgress) -> None:
        raise InterruptedError

    trainer = StageTrainer(noisy_stack(2, 24, 24), tiny(), device="cpu", on_step=cancel)
    with pytest.raises(InterruptedError):
        next(trainer.epochs())


def test_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    """Weights are never mixed between configurations."""
    trainer = StageTrainer(noisy_stack(2, 24, 24), tiny(num_epochs=1), device="cpu")
    list(trainer.epochs())
    trainer.save_checkpoint(tmp_path / "checkpoint.pt")
    with pytest.raises(ModelFilesError, match="another configuration"):
        StageTrainer(noisy_stack(2, 24, 24), tiny(), resume_from=tmp_path / "checkpoint.pt")


def test_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    """A file that is no checkpoint is an error of its own kind."""
    (tmp_path / "checkpoint.pt").write_bytes(b"nonsense")
    with pytest.raises(ModelFilesError, match="cannot be read"):
        StageTrainer(noisy_stack(2, 24, 24), tiny(), resume_from=tmp_path / "checkpoint.pt")


def test_slice_smaller_than_a_patch_is_refused() -> None:
    """The message names both sizes and the way out."""
    with pytest.raises(StackError, match=r"24 x 12 px.*16 px"):
        StageTrainer(noisy_stack(2, 24, 12), tiny())


def test_device_is_named() -> None:
    """The record says where and in which precision a training ran."""  # spec: D14
    name = StageTrainer(noisy_stack(1, 24, 24), tiny(), device="cpu").device_name
    assert name in {"cpu (bfloat16)", "cpu (float32)"}


def test_batch_is_halved_when_memory_runs_out() -> None:
    """The step is retried in halves until it fits; a note says so once."""  # spec: D14
    done: list[slice] = []

    def work(part: slice) -> None:
        if part.stop - part.start > 2:
            raise torch.OutOfMemoryError
        done.append(part)

    batches = MicroBatches(8)
    batches.run(8, done.clear, work)
    assert done == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]
    assert batches.take_notes()[-1].endswith("parts of 2.")
    assert batches.take_notes() == ()


def test_single_patch_that_does_not_fit_is_an_error() -> None:
    """When nothing is left to halve, the advice is to reduce the patch."""  # spec: D14

    def work(_: slice) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(OutOfMemoryError, match="reduce the patch size"):
        MicroBatches(4).run(4, lambda: None, work)


def test_other_errors_are_not_taken_for_memory() -> None:
    """A bug is not retried."""

    def work(_: slice) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        MicroBatches(4).run(4, lambda: None, work)


def test_parts_of_a_batch_teach_the_same() -> None:
    """A batch computed in parts gives nearly the losses of the whole: only the batch statistics differ."""
    whole, parts = (StageTrainer(noisy_stack(2, 24, 24), tiny(num_epochs=1), device="cpu") for _ in range(2))
    parts._learner.micro_batches.size = 2
    (expected,), (found,) = list(whole.epochs()), list(parts.epochs())
    assert found.train_loss == pytest.approx(expected.train_loss, rel=0.1)


def test_learning_rate_rises_then_falls_to_zero() -> None:
    """A linear warm-up to the peak, then a cosine."""
    rates = [learning_rate(step, num_steps=100, peak=1.0) for step in range(100)]
    assert rates[4] == pytest.approx(1.0)
    assert rates[:5] == sorted(rates[:5])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] < 1e-3


def test_report_knows_the_last_epoch() -> None:
    """A stage ends with its last epoch or when it is stopped."""
    (report,) = StageTrainer(noisy_stack(1, 24, 24), tiny(num_epochs=1), device="cpu").epochs()
    assert isinstance(report, EpochReport)
    assert report.is_last
