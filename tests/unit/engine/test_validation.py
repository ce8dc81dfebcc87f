from __future__ import annotations

import numpy as np
import pytest
import torch
from clearstack_engine.training import StageTrainer
from torch import nn
from unit.engine.engine_examples import noisy_stack, tiny

ROW_ZYX = np.ones((1, 1, 5), dtype=np.bool_)
TRIPLET_ZYX = np.ones((3, 1, 3), dtype=np.bool_)


class CopyOfTheInput(nn.Module):
    """What a network learns that is never asked blind."""

    def forward(self, inputs_BCYX: torch.Tensor) -> torch.Tensor:
        """The slice in the middle, as it comes."""
        return inputs_BCYX[:, inputs_BCYX.shape[1] // 2]


def white_noise() -> np.ndarray:
    """Nothing in it can be foretold."""
    return np.random.default_rng(0).normal(100, 10, (3, 64, 64)).astype(np.float32)


@pytest.mark.parametrize(("slices", "mask_ZYX"), [(1, None), (3, None), (1, ROW_ZYX), (3, TRIPLET_ZYX)])
def test_copying_the_input_is_not_rewarded(slices: int, mask_ZYX: np.ndarray | None) -> None:
    """On white noise a copy would have no loss at pixels that it sees; masked, it loses at least the noise."""  # spec: D4
    trainer = StageTrainer(white_noise(), tiny(num_input_slices=slices), mask_ZYX=mask_ZYX, device="cpu")
    assert trainer._curriculum._validation.loss(CopyOfTheInput()) > 0.9


@pytest.mark.parametrize(("slices", "mask_ZYX"), [(1, None), (3, None), (1, ROW_ZYX), (3, TRIPLET_ZYX)])
def test_validation_patches_are_masked_as_training_patches_are(
    slices: int, mask_ZYX: np.ndarray | None
) -> None:
    """As large a share of the held-out pixels is asked, and every one of them is hidden from the network."""  # spec: D4
    config = tiny(num_input_slices=slices, patches_per_slice=60, mask_percentage=10.0)
    trainer = StageTrainer(white_noise(), config, mask_ZYX=mask_ZYX, device="cpu")
    held_out = trainer._curriculum._stream._held_out
    allowed_BYX = held_out.of(held_out.positions)
    shares = []
    for batch in trainer._curriculum._validation._batches:
        seen_BYX = CopyOfTheInput()(batch.inputs_BCYX)
        assert (seen_BYX != batch.targets_BYX)[batch.centres_BYX].all()
        assert not (batch.centres_BYX & ~allowed_BYX).any()
        shares.append(float(batch.centres_BYX[allowed_BYX].float().mean()))
    in_training = [float(batch.centres_BYX.float().mean()) for batch in trainer._curriculum.batches(1)]
    assert np.mean(shares) == pytest.approx(np.mean(in_training), rel=0.35)


def test_no_training_loss_is_computed_where_validation_looks() -> None:
    """Held-out pixels are never centres in training."""  # spec: D4
    trainer = StageTrainer(white_noise(), tiny(augmentation=False), device="cpu")
    stream = trainer._curriculum._stream
    drawn: list[torch.Tensor] = []
    of = stream._held_out.of

    def noted(positions: object) -> torch.Tensor:
        drawn.append(of(positions))  # type: ignore[arg-type]
        return drawn[-1]

    stream._held_out.of = noted  # type: ignore[method-assign]
    centres = [batch.centres_BYX for batch in trainer._curriculum.batches(1)]
    assert sum(int(held_BYX.sum()) for held_BYX in drawn) > 0
    for held_BYX, centres_BYX in zip(drawn, centres, strict=True):
        assert not (held_BYX & centres_BYX).any()


def test_the_best_epoch_by_validation_is_what_is_saved() -> None:
    """The kept weights are those of the epoch with the lowest validation loss."""  # spec: D4
    trainer = StageTrainer(noisy_stack(2, 32, 32), tiny(num_epochs=6, learning_rate=3e-2), device="cpu")
    kept = [_copied(trainer._learner.averaged.state_dict()) for _ in trainer.epochs()]
    best = min(range(len(kept)), key=lambda epoch: trainer.history[epoch].val_loss)
    assert trainer._best is not None
    assert all(torch.equal(value, kept[best][name]) for name, value in trainer._best.items())


def _copied(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in state.items()}
