import pytest

from bench.budget import epochs_within, stage_1_share


@pytest.mark.parametrize(("budget_s", "patches_per_s"), [(10, 60), (100, 95.5), (300, 12), (1500, 96)])
def test_the_epochs_fill_the_budget(budget_s: float, patches_per_s: float) -> None:
    """All patches together take as long as the budget, to a few per cent."""
    epochs = epochs_within(budget_s, patches_per_s=patches_per_s, num_slices=24, patches_per_slice=40)
    num_patches = epochs.num_epochs * epochs.patches_per_slice * 24
    assert num_patches / patches_per_s == pytest.approx(budget_s, rel=0.07)


def test_a_long_budget_has_epochs_of_the_length_of_the_preset() -> None:
    """More time means more epochs, not longer ones."""
    epochs = epochs_within(1000, patches_per_s=96, num_slices=24, patches_per_slice=40)
    assert (epochs.num_epochs, epochs.patches_per_slice) == (100, 40)


def test_a_short_budget_still_has_several_epochs() -> None:
    """The best of several is kept, so there have to be several."""
    assert epochs_within(5, patches_per_s=96, num_slices=24, patches_per_slice=40).num_epochs == 4


def test_a_budget_of_nothing_is_refused() -> None:
    """It would be a division of nothing by nothing."""
    with pytest.raises(ValueError, match="positive"):
        epochs_within(0, patches_per_s=96, num_slices=24, patches_per_slice=40)


def test_both_stages_share_as_their_preset_does() -> None:
    """By pixels that go through the networks."""
    assert stage_1_share(1.0, 3.0) == pytest.approx(0.25)
