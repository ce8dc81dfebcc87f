"""Denoises stacks of all sizes, and says what that costs: `python -m bench.scale [--megabytes 10 100 1000]`.

Each is done in a process of its own: a very large slice, very deep stacks, and stacks of 512 x 512 px of the given
sizes. The network has random weights: what it computes does not matter here. It is small, so that reading, cutting and
writing weigh as much as they ever will; a larger one costs more for each megapixel, and the same for each size.

Axes: Z slices, Y rows, X columns, C input slices.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import tifffile
import torch
from clearstack_engine.denoising import Denoiser
from clearstack_engine.device import Device
from clearstack_engine.model.files import ModelCard
from clearstack_engine.network.unet import Architecture, UNet
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.symmetry import ALL_SYMMETRIES
from clearstack_inference.slices import LazySlices, read_ahead
from clearstack_stacks.convert import to_dtype
from clearstack_stacks.reading import StackReader
from clearstack_stacks.writing import write_like
from numpy.typing import NDArray

from bench import machine, records

RESULTS = Path(__file__).parent / "results" / "scale.jsonl"
SHAPES_ZYX = ((1, 64, 64), (1, 2000, 2000), (1, 8000, 8000), (200, 64, 64), (2000, 64, 64))
NUM_FEATURES, NUM_LAYERS = 8, 2
MIB = 1 << 20
SIDE_PX = 512
SLICE_MEGABYTES = SIDE_PX**2 * 2 / 1e6


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
    """The slices of a stack as the inference service computes them: read ahead, and tile by tile."""
    for slices_CYX in read_ahead(LazySlices(reader), range(reader.num_slices), denoiser.num_input_slices):
        clean_YX = np.empty(slices_CYX.shape[1:], reader.dtype)
        for tile in denoiser.denoise_tiles(slices_CYX):
            clean_YX[tile.rows, tile.columns] = to_dtype(tile.pixels_YX, reader.dtype)
        yield clean_YX


def measure(shape_ZYX: tuple[int, int, int]) -> None:
    """Denoises one stack in this process and prints its time and peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        noisy, clean = Path(folder, "noisy.tif"), Path(folder, "clean.tif")
        write_noise(noisy, shape_ZYX)
        denoiser = network(3 if shape_ZYX[0] > 1 else 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        began = time.process_time()
        with StackReader(noisy) as reader:
            write_like(noisy, clean, denoised(denoiser, reader))
        cpu_s = time.process_time() - began
        with StackReader(clean) as reader:
            if reader.shape_ZYX != shape_ZYX:
                raise SystemExit(f"the result has the shape {reader.shape_ZYX}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    megapixels = float(np.prod(shape_ZYX)) / 1e6
    title = " x ".join(map(str, shape_ZYX))
    print(
        f"{title:>18}  {cpu_s / megapixels:7.3f} CPU-s per megapixel, peak {peak / MIB:6.0f} MiB, "
        f"{(peak - before) / MIB:5.0f} MiB of it for denoising"
    )
    record = {
        "key": title,
        "shape_ZYX": shape_ZYX,
        "megabytes": 2 * megapixels,
        "megapixels": megapixels,
        "cpu_s": cpu_s,
        "peak_mib": peak / MIB,
        "machine": machine.describe(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    records.add(RESULTS, record)


def main() -> None:
    """Measures one shape, or all of them in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, metavar=("Z", "Y", "X"), help="this one alone")
    parser.add_argument(
        "--megabytes", type=float, nargs="+", default=[10, 100, 1000], help="stacks of these sizes"
    )
    arguments = parser.parse_args()
    chosen = arguments.shape
    if chosen:
        measure((chosen[0], chosen[1], chosen[2]))
        return
    deep = [(max(2, round(size / SLICE_MEGABYTES)), SIDE_PX, SIDE_PX) for size in arguments.megabytes]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    for shape_ZYX in (*SHAPES_ZYX, *deep):
        words = [sys.executable, "-m", "bench.scale", "--shape", *map(str, shape_ZYX)]
        subprocess.run(words, check=True, env=environment)


if __name__ == "__main__":
    main()
