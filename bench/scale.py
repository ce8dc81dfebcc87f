"""Denoises a very large slice and a very deep stack, and says how much memory that takes.

Usage: `python bench/scale.py [--shape Z Y X]`; without a shape both are done, each in a process of its own. The network
has random weights: what it computes does not matter here, how much does not either.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
import torch
from clearstack_engine.denoising import Denoiser, triplet
from clearstack_engine.device import Device
from clearstack_engine.model.files import ModelCard
from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.symmetry import ALL_SYMMETRIES
from clearstack_inference.slices import LazySlices
from clearstack_stacks.convert import to_dtype
from clearstack_stacks.reading import StackReader
from clearstack_stacks.writing import write_like
from numpy.typing import NDArray

SHAPES_ZYX = ((1, 64, 64), (1, 2000, 2000), (1, 8000, 8000), (200, 64, 64), (2000, 64, 64))
NUM_FEATURES, NUM_LAYERS = 8, 2
MIB = 1 << 20


def network(num_input_slices: int) -> Denoiser:
    """A tiny network with random weights."""
    architecture = Architecture(
        num_features=NUM_FEATURES,
        num_layers=NUM_LAYERS,
        num_input_slices=num_input_slices,
        resize_convolution=True,
        upsampling="bilinear",
    )
    unet = UNet(architecture)
    unet.draw_weights(torch.Generator().manual_seed(0))
    card = ModelCard(
        architecture=architecture,
        normalisation=Normalisation(mean=1000.0, std=100.0),
        stage="single",
        symmetries=ALL_SYMMETRIES,
    )
    return Denoiser(unet, card, Device.choose("cpu"))


def write_noise(path: Path, shape_ZYX: tuple[int, int, int]) -> None:
    """Slice by slice, so that the input costs no memory."""
    rng = np.random.default_rng(0)
    with tifffile.TiffWriter(path) as tiff:
        for _ in range(shape_ZYX[0]):
            slice_YX = rng.integers(900, 1100, shape_ZYX[1:], dtype=np.uint16)
            tiff.write(slice_YX, contiguous=True, photometric="minisblack")


def denoised(denoiser: Denoiser, reader: StackReader) -> Iterator[NDArray[np.generic]]:
    """The slices of a stack as the inference service computes them."""
    slices = LazySlices(reader)
    for z in range(reader.num_slices):
        slices_CYX = triplet(slices, z) if denoiser.num_input_slices > 1 else slices[z][None]
        yield to_dtype(denoiser.denoise_slice(slices_CYX), reader.dtype)


def measure(shape_ZYX: tuple[int, int, int]) -> None:
    """Denoises one stack in this process and prints its time and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, clean = Path(folder, "noisy.tif"), Path(folder, "clean.tif")
        write_noise(noisy, shape_ZYX)
        denoiser = network(3 if shape_ZYX[0] > 1 else 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        began = time.monotonic()
        with StackReader(noisy) as reader:
            write_like(noisy, clean, denoised(denoiser, reader))
        seconds = time.monotonic() - began
        with StackReader(clean) as reader:
            if reader.shape_ZYX != shape_ZYX:
                raise SystemExit(f"the result has the shape {reader.shape_ZYX}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    slice_mib = shape_ZYX[1] * shape_ZYX[2] * 4 / MIB
    print(
        f"{' x '.join(map(str, shape_ZYX)):>18}  {seconds:6.1f} s  peak {peak / MIB:6.0f} MiB, "
        f"{(peak - before) / MIB:5.0f} MiB of it for denoising (a slice as float32: {slice_mib:.1f} MiB)"
    )


def main() -> None:
    """Measures one shape, or all of them in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, metavar=("Z", "Y", "X"))
    chosen = parser.parse_args().shape
    if chosen:
        measure((chosen[0], chosen[1], chosen[2]))
        return
    for shape_ZYX in SHAPES_ZYX:
        subprocess.run([sys.executable, __file__, "--shape", *map(str, shape_ZYX)], check=True)


if __name__ == "__main__":
    main()
