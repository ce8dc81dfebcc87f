"""What is checked before servers are started for a file: most mistakes are told within a second."""

from collections.abc import Sequence
from pathlib import Path

from clearstack_stacks.errors import StackRefused
from clearstack_stacks.info import two_and_half_d_refusal
from clearstack_stacks.reading import StackReader

from clearstack_cli import paths
from clearstack_cli.errors import CliError
from clearstack_cli.words import ModeName


def check(inputs: Sequence[Path], targets: Sequence[Path], *, mode: ModeName) -> None:
    """The inputs are TIFF stacks that can be read, and the results can be written.

    The pixels are not looked at; the installation does that when it has the file.

    Raises:
        CliError: One of them is not so.
    """
    for source, target in zip(inputs, targets, strict=True):
        paths.check_input(source)
        paths.check_pair(source, target)
        num_slices = _num_slices(source)
        if mode is ModeName.TWO_AND_HALF_D and (refusal := two_and_half_d_refusal(num_slices)):
            raise CliError(f"{source}: {refusal}")


def _num_slices(path: Path) -> int:
    try:
        with StackReader(path) as reader:
            return reader.num_slices
    except StackRefused as refused:
        raise CliError(f"{path}: {refused.message}") from refused
