"""Draws the same crop by each program, side by side: noisy, BM3D, CAREamics, Clearstack, the truth.

It needs the denoised stacks in bench/.work, where the last run left them; what is not there stays empty.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from bench.records import Record

WORK = Path(__file__).parent / ".work"
CROP_PX = 96
# Grey values beyond the truth's own, as a share of their span: noise would be cut off otherwise, and overshoots.
BEYOND = 0.15

Image = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One set: which slice is shown, and who stands in each column; the first that was measured counts."""

    data: str
    title: str
    z: int
    bm3d: tuple[str, ...] = ("bm3d-spectrum", "bm3d-white")
    careamics: tuple[str, ...] = ("careamics-struct",)
    ours: tuple[str, ...] = ("clearstack-auto",)


ROWS = (
    Row(
        data="A",
        title="A: white",
        z=2,
        bm3d=("bm3d-white",),
        careamics=("careamics-n2v",),
        ours=("clearstack-n2v",),
    ),
    Row(data="C", title="C: along rows", z=2),
    Row(data="D", title="D: row segments", z=2),
    Row(
        data="confocal",
        title="confocal",
        z=0,
        careamics=("careamics-n2v",),
        ours=("clearstack-n2v",),
    ),
)
NAMES = {
    "noisy": "noisy",
    "bm3d-white": "BM3D, told “white”",
    "bm3d-spectrum": "BM3D, told the spectrum",
    "careamics-n2v": "CAREamics N2V",
    "careamics-struct": "CAREamics structN2V",
    "clearstack-n2v": "Clearstack N2V",
    "clearstack-auto": "Clearstack autoStructN2V",
}


def draw(found: dict[str, Record], path: Path) -> None:
    """A row for each set that there are results of, in the same grey values."""
    rows = [row for row in ROWS if _of(found.values(), row, (*row.ours, *row.careamics))]
    if not rows:
        return
    figure, panels = plt.subplots(len(rows), 5, figsize=(12.5, 2.75 * len(rows)), squeeze=False)
    for row, row_panels in zip(rows, panels, strict=True):
        _draw_row(list(found.values()), row, list(row_panels))
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_row(found: list[Record], row: Row, panels: list[Any]) -> None:
    truth_YX = np.load(WORK / "data" / row.data / "truth.npy", mmap_mode="r")[row.z]
    peak = json.loads((WORK / "data" / row.data / "input" / "meta.json").read_text())["peak"]
    place = _liveliest(truth_YX)
    low, high = np.percentile(truth_YX[place], (0.5, 99.5))
    grey = {"vmin": low - BEYOND * (high - low), "vmax": high + BEYOND * (high - low)}
    for panel in panels:
        panel.set(xticks=[], yticks=[])
        panel.set_frame_on(False)
    panels[0].set_ylabel(row.title, fontsize=10)
    for panel, record in zip(panels, _shown(found, row), strict=False):
        if record is not None:
            image_YX = _slice(record, row.z)[place] / peak
            panel.imshow(image_YX, cmap="gray", interpolation="nearest", **grey)
            panel.set_title(_caption(record, row.z), fontsize=9)
    panels[-1].imshow(truth_YX[place], cmap="gray", interpolation="nearest", **grey)
    panels[-1].set_title("truth\n", fontsize=9)


def _shown(found: list[Record], row: Row) -> list[Record | None]:
    """For each column but the last; CAREamics and Clearstack with the largest budget that both had."""
    careamics, ours = (_of(found, row, methods) for methods in (row.careamics, row.ours))
    shared = {r["cell"]["budget_s"] for r in careamics} & {r["cell"]["budget_s"] for r in ours}
    if shared:
        careamics, ours = (
            [record for record in side if record["cell"]["budget_s"] == max(shared)]
            for side in (careamics, ours)
        )
    columns = (_of(found, row, ("noisy",)), _of(found, row, row.bm3d), careamics, ours)
    return [max(column, key=lambda record: record["cell"]["budget_s"], default=None) for column in columns]


def _of(found: Iterable[Record], row: Row, methods: tuple[str, ...]) -> list[Record]:
    """The records of the first of these methods whose stack is at hand and holds the slice."""
    for method in methods:
        there = [
            record
            for record in found
            if (record["cell"]["data"], record["cell"]["method"]) == (row.data, method)
            and not record["cell"]["ablation"]
            and row.z in _slices(record)
            and _stack(record).exists()
        ]
        if there:
            return there
    return []


def _slices(record: Record) -> list[int]:
    return list(record["cell"]["slices"] or range(len(record["psnr_Z_db"])))


def _stack(record: Record) -> Path:
    return WORK / "outputs" / str(record["key"]) / "denoised.npy"


def _slice(record: Record, z: int) -> Image:
    image_YX: Image = np.load(_stack(record), mmap_mode="r")[_slices(record).index(z)]
    return image_YX


def _caption(record: Record, z: int) -> str:
    cell = record["cell"]
    budget = f"{cell['budget_s']:g} CPU-s, " if cell["budget_s"] else ""
    preset = f", {cell['preset']}" if cell["preset"] not in {"", "fast"} else ""
    return f"{NAMES[cell['method']]}{preset}\n{budget}{record['psnr_Z_db'][_slices(record).index(z)]:.2f} dB"


def _liveliest(truth_YX: Image) -> tuple[slice, slice]:
    """Where there is most to lose: the window in which neighbouring pixels differ most."""
    change_YX = np.abs(np.diff(truth_YX[:, :-1], axis=0)) + np.abs(np.diff(truth_YX[:-1], axis=1))
    sums_YX = np.pad(change_YX.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    size = CROP_PX - 1
    windows_YX = (
        sums_YX[size:, size:] - sums_YX[:-size, size:] - sums_YX[size:, :-size] + sums_YX[:-size, :-size]
    )
    top, left = np.unravel_index(int(windows_YX.argmax()), windows_YX.shape)
    return slice(int(top), int(top) + CROP_PX), slice(int(left), int(left) + CROP_PX)
