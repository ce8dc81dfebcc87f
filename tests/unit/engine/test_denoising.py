from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clearstack_engine.denoising import Denoiser, triplet
from clearstack_engine.denoising.tiling import spans, tiles
from clearstack_engine.device import Device
from clearstack_engine.errors import StackError
from clearstack_engine.model.files import ModelCard
from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.symmetry import ALL_SYMMETRIES
from clearstack_engine.training import StageTrainer
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.engine.engine_examples import noisy_stack, psnr, smooth_stack, tiny

FLOAT32 = Device(device=torch.device("cpu"), precision=torch.float32)


def untrained(
    *, num_layers: int = 1, slices: int = 1, tile_px: int | None = None, augmentation: bool = False
) -> Denoiser:
    """A network with random weights, in float32 so that pieces can be compared closely."""
    architecture = Architecture(
        num_features=8,
        num_layers=num_layers,
        num_input_slices=slices,
        resize_convolution=True,
        upsampling="bilinear",
    )
    network = UNet(architecture)
    network.draw_weights(torch.Generator().manual_seed(0))
    card = ModelCard(
        architecture=architecture,
        normalisation=Normalisation(mean=30000.0, std=9000.0),
        stage="single",
        symmetries=ALL_SYMMETRIES,
    )
    return Denoiser(network, card, FLOAT32, tile_px=tile_px, augmentation=augmentation)


@settings(deadline=None)  # a busy machine is no mistake
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(0, 9),
    st.integers(1, 40),
    st.sampled_from([1, 2, 4, 8]),
)
def test_cut_and_put_together_is_the_identity(
    rows: int, columns: int, overlap: int, core: int, multiple: int
) -> None:
    """Tiles of any size give the image back: nothing is left out, nothing is moved."""
    rows, columns = rows * multiple, columns * multiple
    smallest = 2 * -(-overlap // multiple) * multiple + core * multiple
    image_YX = np.arange(rows * columns).reshape(rows, columns)
    copy_YX = np.full_like(image_YX, -1)
    for piece in tiles(rows, columns, max_pixels=smallest**2, overlap_px=overlap, multiple_px=multiple):
        assert piece.rows.start % multiple == piece.columns.start % multiple == 0
        tile_YX = image_YX[piece.rows.outer, piece.columns.outer]
        assert tile_YX.size <= smallest**2
        copy_YX[piece.rows.kept, piece.columns.kept] = tile_YX[piece.rows.inner, piece.columns.inner]
    assert np.array_equal(copy_YX, image_YX)


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 20))
def test_overlap_is_kept_wherever_the_image_goes_on(length: int, overlap: int) -> None:
    """Every kept pixel has its surroundings in the tile, or the edge of the image."""
    for span in spans(length, tile_px=64, overlap_px=overlap, multiple_px=1):
        assert span.start == 0 or span.keep_start - span.start >= overlap
        assert span.stop == length or span.stop - span.keep_stop >= overlap


def test_tile_without_room_is_refused() -> None:
    """A tile that is all overlap would never get on."""
    with pytest.raises(ValueError, match="no room"):
        spans(100, tile_px=16, overlap_px=8, multiple_px=1)
    with pytest.raises(ValueError, match="no room"):
        list(tiles(100, 100, max_pixels=16**2, overlap_px=8, multiple_px=1))


def test_little_is_computed_twice() -> None:
    """Tiles are chosen for the least work: a wide image that is just too large is cut once, across its rows."""
    pieces = list(tiles(400, 992, max_pixels=300_000, overlap_px=100, multiple_px=16))
    assert [(piece.rows.outer, piece.columns.outer) for piece in pieces] == [
        (slice(0, 400), slice(0, 608)),
        (slice(0, 400), slice(384, 992)),
    ]


@pytest.mark.parametrize("num_layers", [1, 2])
def test_tiles_leave_no_seam(num_layers: int) -> None:
    """In tiles comes out what comes out in one piece."""  # spec: E4
    slices_CYX = noisy_stack(1, 211, 173)
    whole_YX = untrained(num_layers=num_layers, tile_px=512).denoise_slice(slices_CYX)
    calls: list[tuple[int, int]] = []
    in_tiles = untrained(num_layers=num_layers, tile_px=64)
    pieces_YX = in_tiles.denoise_slice(slices_CYX, on_tile=lambda done, total: calls.append((done, total)))
    assert len(calls) == calls[-1][0] == calls[-1][1] > 1
    assert np.abs(pieces_YX - whole_YX).max() < 1e-5 * np.abs(whole_YX).max()


def test_pieces_cover_the_slice_once() -> None:
    """Put together they are the slice, also where its sides cannot be pooled."""
    slices_CYX = noisy_stack(1, 211, 173)
    denoiser = untrained(num_layers=2, tile_px=64)
    counts_YX = np.zeros((211, 173), dtype=np.int64)
    for tile in denoiser.denoise_tiles(slices_CYX):
        assert tile.pixels_YX.shape == counts_YX[tile.rows, tile.columns].shape
        counts_YX[tile.rows, tile.columns] += 1
    assert (counts_YX == 1).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (37, 21), (64, 64)])
@pytest.mark.parametrize("slices", [1, 3])
def test_any_size_is_denoised(shape: tuple[int, int], slices: int) -> None:
    """Sizes that cannot be pooled, and single pixels, keep their size."""
    output_YX = untrained(num_layers=3, slices=slices).denoise_slice(noisy_stack(slices, *shape))
    assert output_YX.shape == shape
    assert output_YX.dtype == np.float32
    assert np.isfinite(output_YX).all()


def test_wrong_number_of_slices_is_refused() -> None:
    """A 2.5D network is not fed single slices."""
    with pytest.raises(StackError, match="wants 3 slices"):
        untrained(slices=3).denoise_slice(noisy_stack(1, 20, 20))


def test_raising_from_a_tile_ends_the_work() -> None:
    """Cancelling takes effect within a tile."""

    def cancel(_: int, __: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        untrained().denoise_slice(noisy_stack(1, 20, 20), on_tile=cancel)


def test_triplets_mirror_at_the_ends() -> None:
    """The first slice comes as (1, 0, 1), the last as (n-2, n-1, n-2)."""  # spec: A6
    stack_ZYX = noisy_stack(4, 5, 6)
    assert np.array_equal(triplet(stack_ZYX, 0), stack_ZYX[[1, 0, 1]])
    assert np.array_equal(triplet(stack_ZYX, 2), stack_ZYX[[1, 2, 3]])
    assert np.array_equal(triplet(stack_ZYX, 3), stack_ZYX[[2, 3, 2]])


def test_averaging_over_symmetries_is_symmetric() -> None:
    """With augmentation, turning the input turns the output."""
    denoiser = untrained(augmentation=True)
    slices_CYX = noisy_stack(1, 24, 24)
    turned_YX = denoiser.denoise_slice(np.rot90(slices_CYX, axes=(1, 2)))
    assert np.allclose(turned_YX, np.rot90(denoiser.denoise_slice(slices_CYX)), rtol=1e-4)


def test_white_noise_is_removed(tmp_path: Path) -> None:
    """A few seconds of training take at least 6 dB of white noise off smooth slices."""
    noisy_ZYX, clean_ZYX = noisy_stack(4, 96, 96), smooth_stack(4, 96, 96)
    config = tiny(patch_size_px=32, patches_per_slice=100, batch_size=8, num_features=16, num_epochs=2)
    trainer = StageTrainer(noisy_ZYX, config, device="cpu")
    list(trainer.epochs())
    trainer.save_model(tmp_path)
    denoiser = Denoiser.load(tmp_path, "cpu")
    denoised_ZYX = np.stack([denoiser.denoise_slice(slice_YX[None]) for slice_YX in noisy_ZYX]) / 60000
    assert psnr(denoised_ZYX, clean_ZYX) > psnr(noisy_ZYX / 60000, clean_ZYX) + 6
