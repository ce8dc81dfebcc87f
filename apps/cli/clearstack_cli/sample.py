"""`clearstack sample`: a stack with known truth, so that anyone can try everything without data."""

from pathlib import Path
from typing import Annotated

import tifffile
import typer
from clearstack_stacks.samples import SAMPLE_NAMES, make_sample

from clearstack_cli import paths
from clearstack_cli.errors import UsageError
from clearstack_cli.output import say
from clearstack_cli.verb import guarded


@guarded
def sample(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"Kind of noise: {', '.join(SAMPLE_NAMES)}.")],
    output: Annotated[Path, typer.Argument(metavar="OUT.tif", help="Where to write it.")],
    *,
    slices: Annotated[int, typer.Option(help="Number of slices.", min=1)] = 16,
    side: Annotated[int, typer.Option(help="Height and width in pixels.", min=32)] = 192,
    seed: Annotated[int, typer.Option(help="The same seed gives the same pixels.", min=0)] = 0,
) -> None:
    """Write a sample stack, and beside it the truth without noise."""
    if name not in SAMPLE_NAMES:
        raise UsageError(f"There is no sample '{name}'. There are {', '.join(SAMPLE_NAMES)}.")
    truth = truth_path(output)
    paths.check_output(output)
    paths.check_output(truth)
    made = make_sample(name, num_slices=slices, side_px=side, seed=seed)
    for path, stack_ZYX in ((output, made.noisy_ZYX), (truth, made.truth_ZYX)):
        tifffile.imwrite(path, stack_ZYX, imagej=True, metadata={"axes": "ZYX"})
        say(f"Written: {path}")


def truth_path(output: Path) -> Path:
    """Where the truth lies: `OUT-truth.tif`."""
    return output.with_name(f"{output.stem}-truth{output.suffix or '.tif'}")
