"""What the demo ends with: figures, the mask, paths and a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clearstack.v1.mask_pb2 import Mask
from clearstack_stacks.metrics import psnr
from clearstack_stacks.preview import comparison_png
from clearstack_stacks.reading import StackReader
from clearstack_stacks.samples import Sample
from numpy.typing import NDArray
from rich.text import Text

from clearstack_cli import mask_view
from clearstack_cli.output import console, say, table


def tell(sample: Sample, mask: Mask, stages: Sequence[Path], files: Sequence[Path], out: Path) -> None:
    """Prints the report and writes the picture.

    Args:
        sample: What was denoised, and the truth.
        mask: What was found.
        stages: The results of the stages.
        files: Those of the model.
        out: Where the picture goes.
    """
    panels = {"noisy": sample.noisy_ZYX}
    panels.update({f"stage {number}": _read(path) for number, path in enumerate(stages, start=1)})
    figures = {
        name: psnr(sample.truth_ZYX, stack_ZYX, sample.data_range) for name, stack_ZYX in panels.items()
    }
    picture = out / "comparison.png"
    picture.write_bytes(_picture({**panels, "truth": sample.truth_ZYX}, figures))
    _print_mask(mask)
    _print_figures(figures)
    _print_paths(stages, files, picture)


def _read(path: Path) -> NDArray[Any]:
    with StackReader(path) as reader:
        return reader.read_slices(0, reader.num_slices)


def _picture(panels: dict[str, NDArray[Any]], figures: dict[str, float]) -> bytes:
    middle = len(panels["truth"]) // 2
    captions = [f"{figures[name]:.1f} dB" if name in figures else "" for name in panels]
    return comparison_png([(name, stack_ZYX[middle]) for name, stack_ZYX in panels.items()], captions)


def _print_mask(mask: Mask) -> None:
    console().print(Text(f"\nMask: {mask.summary.message}", style="bold"))
    console().print(mask_view.grids(mask))


def _print_figures(figures: dict[str, float]) -> None:
    before = figures["noisy"]
    rows = [
        ("before" if name == "noisy" else f"after {name}", f"{value:.2f} dB", f"{value - before:+.2f} dB")
        for name, value in figures.items()
    ]
    console().print(table("", "PSNR", "gain", rows=rows, right=["PSNR", "gain"]))


def _print_paths(stages: Sequence[Path], files: Sequence[Path], picture: Path) -> None:
    named = [
        ("denoised", stages[-1:]),
        ("weights", [path for path in files if path.name.startswith("weights")]),
        ("mask", [path for path in files if path.name.startswith("mask")]),
        ("picture", [picture]),
    ]
    for label, paths in named:
        for path in paths:
            say(f"{label:9} {path}")
