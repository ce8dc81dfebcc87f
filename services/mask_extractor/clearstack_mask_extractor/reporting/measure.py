"""Reads a stack and its result side by side: what became of noise and signal, and some slices to show.

Axes: Y, X image rows and columns.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clearstack_engine.analysis.outcome import Outcome, OutcomeMeter
from clearstack_stacks.reading import StackReader
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

_NUM_MEASURED = 8
_NUM_SHOWN = 3
_MAX_SIDE_PX = 1024  # of larger slices, the middle is measured


class StoppedError(Exception):
    """The report is not wanted any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSlice:
    """One slice for the page.

    Attributes:
        z: Which, counted from 0.
        noisy_YX: float32, as it was.
        denoised_YX: float32, the result.
        earlier_YX: float32, the result of stage 1, if this one is of stage 2.
    """

    z: int
    noisy_YX: Float32Array
    denoised_YX: Float32Array
    earlier_YX: Float32Array | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the page is about.

    Attributes:
        outcome: Of the result.
        earlier: Of the result of stage 1, if this one is of stage 2.
        shown: Slices to show, in the order of z.
        num_measured: Slices that were measured.
        num_slices: Slices of the stack.
    """

    outcome: Outcome
    earlier: Outcome | None
    shown: tuple[ShownSlice, ...]
    num_measured: int
    num_slices: int


def measure(noisy: Path, denoised: Path, earlier: Path | None, stop: threading.Event) -> Measured:
    """Compares the files.

    Raises:
        StoppedError: `stop` was set.
    """
    with StackReader(noisy) as before, StackReader(denoised) as after:
        measured_Z = _evenly(before.num_slices, _NUM_MEASURED)
        outcome = _outcome(before, after, measured_Z, stop)
        few = before.num_slices <= _NUM_SHOWN
        shown_Z = measured_Z if few else _evenly(before.num_slices, _NUM_SHOWN + 2)[1:-1]
        if earlier is None:
            shown = tuple(_shown(z, before, after, None) for z in shown_Z)
            first = None
        else:
            with StackReader(earlier) as stage_one:
                first = _outcome(before, stage_one, measured_Z, stop)
                shown = tuple(_shown(z, before, after, stage_one) for z in shown_Z)
        return Measured(
            outcome=outcome,
            earlier=first,
            shown=shown,
            num_measured=len(measured_Z),
            num_slices=before.num_slices,
        )


def _outcome(before: StackReader, after: StackReader, zs: list[int], stop: threading.Event) -> Outcome:
    meter = OutcomeMeter()
    for z in zs:
        if stop.is_set():
            raise StoppedError
        meter.add(_middle(before.read_slice(z)), _middle(after.read_slice(z)))
    return meter.result()


def _shown(z: int, before: StackReader, after: StackReader, stage_one: StackReader | None) -> ShownSlice:
    return ShownSlice(
        z=z,
        noisy_YX=_float(before.read_slice(z)),
        denoised_YX=_float(after.read_slice(z)),
        earlier_YX=_float(stage_one.read_slice(z)) if stage_one else None,
    )


def _evenly(count: int, wanted: int) -> list[int]:
    return sorted({round(z) for z in np.linspace(0, count - 1, min(count, wanted))})


def _float(slice_YX: NDArray[np.generic]) -> Float32Array:
    return np.asarray(slice_YX, dtype=np.float32)


def _middle(slice_YX: NDArray[np.generic]) -> Float32Array:
    starts = [max(0, (side - _MAX_SIDE_PX) // 2) for side in slice_YX.shape]
    rows, columns = (slice(start, start + _MAX_SIDE_PX) for start in starts)
    return _float(slice_YX[rows, columns])
