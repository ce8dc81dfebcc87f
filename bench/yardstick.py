"""Makes the data of the bench: `python -m bench.yardstick FOLDER [--data DIR]`, in the environment of the peers.

For each noise FOLDER/NAME holds `truth.npy` and the folder `input`, which is all that a method gets to see:
`noisy.npy`, `meta.json` (peak, standard deviation of the noise, its direction), and, for those methods that are told,
`mask.npy` and `spectrum.npy`.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from bench.images import SIDE_PX, clean_stack, drifting_stack
from bench.noise import CENTRE, NOISES, Mask, spectrum

PEAK = 65535
DRIFT_SEED = 108
WITH_SPECTRUM = ("C", "D")
REAL = "confocal"


def main() -> None:
    """Writes every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, help="holds confocal-cells/{noisy,clean}")
    arguments = parser.parse_args()
    clean_ZYX = clean_stack()
    for name, noise in NOISES.items():
        noisy_ZYX = digitised(noise.add(clean_ZYX, np.random.default_rng(noise.seed)))
        write(
            arguments.folder / name, noisy_ZYX, clean_ZYX, mask_ZYX=noise.mask_ZYX, direction=noise.direction
        )
    for name in WITH_SPECTRUM:
        np.save(arguments.folder / name / "input" / "spectrum.npy", spectrum(NOISES[name], SIDE_PX))
    drifting_ZYX = drifting_stack()
    noisy_ZYX = digitised(NOISES["A"].add(drifting_ZYX, np.random.default_rng(DRIFT_SEED)))
    write(arguments.folder / "drift", noisy_ZYX, drifting_ZYX, mask_ZYX=CENTRE)
    if arguments.data is not None:
        write_real(arguments.folder / REAL, arguments.data / "confocal-cells")


def digitised(images_ZYX: NDArray[np.floating]) -> NDArray[np.uint16]:
    """0-1 -> uint16, clipped, as a camera would."""
    return np.asarray((np.clip(images_ZYX, 0, 1) * PEAK).round().astype(np.uint16))


def write(
    folder: Path,
    noisy_ZYX: NDArray[np.generic],
    clean_ZYX: NDArray[np.floating],
    *,
    mask_ZYX: Mask,
    direction: str = "",
    peak: int = PEAK,
) -> None:
    """Stores one set; `clean_ZYX` is 0-1."""
    (folder / "input").mkdir(parents=True, exist_ok=True)
    np.save(folder / "truth.npy", clean_ZYX.astype(np.float32))
    np.save(folder / "input" / "noisy.npy", noisy_ZYX)
    np.save(folder / "input" / "mask.npy", mask_ZYX)
    sigma_Z = (noisy_ZYX / peak - clean_ZYX).std(axis=(1, 2))  # type: ignore[operator]
    meta = {"peak": peak, "sigma_Z": [float(sigma) for sigma in sigma_Z], "direction": direction}
    (folder / "input" / "meta.json").write_text(json.dumps(meta))


def write_real(folder: Path, source: Path) -> None:
    """Five fields of a confocal microscope, with averaged captures as the truth."""
    names = sorted(path.name for path in (source / "noisy").glob("*.tif"))
    if not names:
        print(f"{source} holds no noisy/*.tif: the real data are left out.")
        return
    noisy_ZYX, clean_ZYX = (
        np.stack([tifffile.imread(source / kind / name) for name in names]) for kind in ("noisy", "clean")
    )
    peak = np.iinfo(noisy_ZYX.dtype).max
    write(folder, noisy_ZYX, clean_ZYX / peak, mask_ZYX=CENTRE, peak=peak)


if __name__ == "__main__":
    main()
