"""Draws the pictures from the records: `python -m bench.plots [PLAN]`, in the environment of the peers (matplotlib).

The grid of crops needs the denoised stacks in bench/.work, where the last run left them; what is not there is left out.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from bench import records
from bench.records import Record

BENCH = Path(__file__).parent
PLOTS = BENCH / "plots"
WORK = BENCH / ".work"
CURVES = {
    "clearstack-n2v": ("Clearstack N2V", "tab:blue"),
    "clearstack-auto": ("Clearstack autoStructN2V", "tab:green"),
    "clearstack-told": ("Clearstack, told the mask", "tab:olive"),
    "careamics-n2v": ("CAREamics N2V", "tab:orange"),
    "careamics-n2v2": ("CAREamics N2V2", "tab:pink"),
    "careamics-struct": ("CAREamics structN2V", "tab:red"),
}
LEVELS = {"bm3d-white": "BM3D “white”", "nlm": "non-local means", "noisy": "noisy"}
COLUMNS = (
    ("noisy", "noisy"),
    ("bm3d-white", "BM3D “white”"),
    ("bm3d-spectrum", "BM3D, true spectrum"),
    ("careamics-n2v", "CAREamics N2V"),
    ("careamics-struct", "CAREamics structN2V"),
    ("clearstack-n2v", "Clearstack N2V"),
    ("clearstack-auto", "Clearstack autoStructN2V"),
)
SHOWN = {"A": 0, "C": 0, "D": 0, "confocal": 0}
CROP_PX = 96


def main() -> None:
    """Draws all that there are records for."""
    plan = sys.argv[1] if len(sys.argv) > 1 else "full"
    found = records.load(BENCH / "results" / f"{plan}.jsonl")
    suffix = "" if plan == "full" else f"-{plan}"
    PLOTS.mkdir(exist_ok=True)
    if found:
        quality(found, PLOTS / f"quality{suffix}.svg")
        crops(found, PLOTS / f"crops{suffix}.png")
    sizes = records.load(BENCH / "results" / "scale.jsonl")
    if sizes:
        scale(sizes, PLOTS / "scale.svg")


def quality(found: dict[str, Record], path: Path) -> None:
    """PSNR against CPU-seconds of training, a panel for each set."""
    plain = [r for r in found.values() if not r["cell"]["ablation"]]
    sets = [name for name in ("A", "C", "D") if any(r["cell"]["data"] == name for r in plain)]
    figure, panels = plt.subplots(1, len(sets), figsize=(5 * len(sets), 4), squeeze=False)
    for panel, data in zip(panels[0], sets, strict=True):
        here = [r for r in plain if r["cell"]["data"] == data]
        for method, (label, colour) in CURVES.items():
            points = sorted(
                (r["seconds"]["train_cpu_s"], r["psnr_db"]) for r in here if r["cell"]["method"] == method
            )
            if points:
                panel.plot(*zip(*points, strict=True), "o-", label=label, color=colour)
        for method, label in LEVELS.items():
            levels = [r["psnr_db"] for r in here if r["cell"]["method"] == method and not r["cell"]["slices"]]
            if levels:
                panel.axhline(levels[0], color="grey", linestyle=":", linewidth=1)
                panel.annotate(
                    label, (0.01, levels[0]), xycoords=("axes fraction", "data"), fontsize=7, va="bottom"
                )
        panel.set(title=f"noise {data}", xlabel="CPU-seconds of training", ylabel="PSNR (dB)", xscale="log")
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def crops(found: dict[str, Record], path: Path) -> None:
    """A row for each set: noisy, the peers, ours, the truth, in the same grey values."""
    rows = [row for data, z in SHOWN.items() if (row := _row(found, data, z))]
    if not rows:
        return
    width = max(len(row) for row in rows)
    figure, panels = plt.subplots(len(rows), width, figsize=(2 * width, 2.2 * len(rows)), squeeze=False)
    for row, row_panels in zip(rows, panels, strict=True):
        truth_YX = row[-1][1]
        low, high = np.percentile(truth_YX, (0.5, 99.5))
        for panel, (title, image_YX) in zip(row_panels, row, strict=False):
            panel.imshow(image_YX, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            panel.set_title(title, fontsize=7)
        for panel in row_panels:
            panel.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _row(found: dict[str, Record], data: str, z: int) -> list[tuple[str, NDArray[Any]]]:
    folder = WORK / "data" / data
    if not folder.exists():
        return []
    peak = json.loads((folder / "input" / "meta.json").read_text())["peak"]
    row = []
    for method, title in COLUMNS:
        output = _longest(found, data, method, z)
        if output is not None:
            record, index = output
            stack_ZYX = np.load(WORK / "outputs" / record["key"] / "denoised.npy", mmap_mode="r")
            row.append((f"{title}\n{record['psnr_Z_db'][index]:.2f} dB", _crop(stack_ZYX[index]) / peak))
    if not row:
        return []
    truth_ZYX = np.load(folder / "truth.npy", mmap_mode="r")
    return [*row, (f"truth\nnoise {data}", _crop(truth_ZYX[z]))]


def _longest(found: dict[str, Record], data: str, method: str, z: int) -> tuple[Record, int] | None:
    """The record with the largest budget whose stack is at hand and holds the slice, and where in it."""
    best: tuple[Record, int] | None = None
    for record in found.values():
        cell = record["cell"]
        slices = cell["slices"] or list(range(len(record["psnr_Z_db"])))
        if (cell["data"], cell["method"], cell["ablation"]) != (data, method, "") or z not in slices:
            continue
        if not (WORK / "outputs" / record["key"] / "denoised.npy").exists():
            continue
        if best is None or cell["budget_s"] > best[0]["cell"]["budget_s"]:
            best = record, slices.index(z)
    return best


def _crop(slice_YX: NDArray[Any]) -> NDArray[Any]:
    top, left = ((side - CROP_PX) // 2 for side in slice_YX.shape)
    return np.asarray(slice_YX[top : top + CROP_PX, left : left + CROP_PX])


def scale(sizes: dict[str, Record], path: Path) -> None:
    """Cost and memory of a denoising against the size of the stack."""
    points = sorted((r["megabytes"], r["cpu_s"] / r["megapixels"], r["peak_mib"]) for r in sizes.values())
    megabytes, cost, peak = zip(*points, strict=True)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.5))
    panels[0].plot(megabytes, cost, "o-")
    panels[0].set(xscale="log", xlabel="stack (MB)", ylabel="CPU-seconds per megapixel", ylim=(0, None))
    panels[1].plot(megabytes, peak, "o-")
    panels[1].set(xscale="log", xlabel="stack (MB)", ylabel="peak memory (MiB)", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
