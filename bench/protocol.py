"""How a method is asked and answers: one process, a folder in, a folder out. Imports numpy alone.

    python -m MODULE METHOD INPUT OUTPUT [--budget-s S] [--seed N] [--slices 0 2 4] ...

INPUT holds `noisy.npy` and what else a method is told (see `bench.yardstick`); OUTPUT gets `denoised.npy` (float32, in
the units of the input) and `answer.json`. Seconds are CPU-seconds of the whole process, all threads: a loaded machine
does not bend them.

Axes: Z slices, Y rows, X columns.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a method is given.

    Attributes:
        noisy_ZYX: in the camera's units.
        peak: the value that counts as 1.
        sigma_Z: standard deviation of each slice's noise, of a full range of 1; for methods that must be told.
        direction: `horizontal`, `vertical` or empty; for methods that must be told.
    """

    method: str
    noisy_ZYX: NDArray[np.generic]
    peak: float
    sigma_Z: NDArray[np.float64]
    direction: str
    folder: Path
    budget_s: float
    seed: int

    def told(self, name: str) -> NDArray[Any]:
        """`mask` or `spectrum`, for methods that are told."""
        array: NDArray[Any] = np.load(self.folder / f"{name}.npy")
        return array


@dataclass(slots=True)
class Answer:
    """What a method gives back; `seconds` has `train_cpu_s` and `denoise_cpu_s`."""

    denoised_ZYX: NDArray[np.float32]
    seconds: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


class Stopwatch:
    """Adds up CPU-seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Counts what is done within."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began


def parser() -> argparse.ArgumentParser:
    """The arguments that every method takes."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("method")
    arguments.add_argument("input", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--budget-s", type=float, default=0.0, help="CPU-seconds of training")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--slices", type=int, nargs="+", help="only these")
    return arguments


def read(arguments: argparse.Namespace) -> Question:
    """The question that the arguments point to."""
    meta = json.loads((arguments.input / "meta.json").read_text())
    chosen = slice(None) if arguments.slices is None else arguments.slices
    return Question(
        method=arguments.method,
        noisy_ZYX=np.load(arguments.input / "noisy.npy")[chosen],
        peak=meta["peak"],
        sigma_Z=np.array(meta["sigma_Z"])[chosen],
        direction=meta["direction"],
        folder=arguments.input,
        budget_s=arguments.budget_s,
        seed=arguments.seed,
    )


def write(folder: Path, answer: Answer) -> None:
    """Stores the answer."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "denoised.npy", answer.denoised_ZYX.astype(np.float32))
    content = {"seconds": answer.seconds, "notes": answer.notes, "versions": answer.versions}
    (folder / "answer.json").write_text(json.dumps(content, indent=1))
