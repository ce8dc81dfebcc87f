from __future__ import annotations

import pytest
import torch
from clearstack_engine.config import Upsampling
from clearstack_engine.network.unet import Architecture, UNet


def architecture(
    *, num_layers: int = 2, resize: bool = True, upsampling: Upsampling = "bilinear", slices: int = 1
) -> Architecture:
    """A narrow network."""
    return Architecture(
        num_features=8,
        num_layers=num_layers,
        num_input_slices=slices,
        resize_convolution=resize,
        upsampling=upsampling,
    )


def seeded(card: Architecture, seed: int = 3) -> UNet:
    """A network with random but reproducible weights."""
    network = UNet(card)
    network.draw_weights(torch.Generator().manual_seed(seed))
    return network.eval()


@pytest.mark.parametrize("num_layers", [1, 2, 4])
@pytest.mark.parametrize("slices", [1, 3])
def test_one_image_comes_out(num_layers: int, slices: int) -> None:
    """However many slices go in, the size is kept and one float32 image per patch comes out."""
    network = seeded(architecture(num_layers=num_layers, slices=slices))
    assert network(torch.zeros(2, slices, 32, 48)).shape == (2, 32, 48)


@pytest.mark.parametrize("resize", [True, False])
@pytest.mark.parametrize("upsampling", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_receptive_field_is_bounded(resize: bool, upsampling: Upsampling, num_layers: int) -> None:
    """No pixel outside the stated radius changes the output: the overlap of tiles rests on it."""
    card = architecture(num_layers=num_layers, resize=resize, upsampling=upsampling)
    network = seeded(card)
    image_BCYX = torch.zeros(1, 1, 8, 256)
    place = 128
    image_BCYX[..., place] = 5.0
    with torch.no_grad():
        difference_YX = (network(image_BCYX) - network(torch.zeros_like(image_BCYX)))[0]
    change_X = difference_YX.abs().amax(0)
    touched = (change_X > 1e-6 * change_X.max()).nonzero().flatten()
    assert touched.numel() > 0
    assert int((touched - place).abs().max()) <= card.receptive_radius_px


def test_weights_come_from_the_generator_alone() -> None:
    """The same generator gives the same network, whatever else drew random numbers before."""
    first = seeded(architecture()).state_dict()
    torch.rand(10)
    second = seeded(architecture()).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_folding_keeps_the_function() -> None:
    """With the normalisation inside the convolutions, the network is the same one."""
    network = seeded(architecture())
    image_BCYX = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    for _ in range(5):
        network.train()(image_BCYX)
    with torch.no_grad():
        expected_BYX = network.eval()(image_BCYX)
        assert torch.allclose(network.fold()(image_BCYX), expected_BYX, atol=1e-4)


def test_evaluation_leaves_no_trace() -> None:
    """Denoising a slice does not change how the next one is denoised."""
    network = seeded(architecture()).eval()
    image_BCYX = torch.randn(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    first_BYX = network(image_BCYX)
    network(image_BCYX * 100)
    assert torch.equal(network(image_BCYX), first_BYX)
