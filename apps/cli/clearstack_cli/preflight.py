"""What is checked before servers are started for a file: most mistakes are told within a second."""

from collections.abc import Sequence
from pathlib import Path

from clearstack_stacks.errors import TOO_LARGE, StackRefused
from clearstack_stacks.heads import read_heads
from clearstack_stacks.info import two_and_half_d_refusal
from clearstack_stacks.limits import Limits
from clearstack_stacks.reading import StackReader
from clearstack_stacks.validation import inspect_tiff

from clearstack_cli import paths
from clearstack_cli.errors import CliError
from clearstack_cli.words import ModeName

# Of larger files only the heads are looked at; the installation looks at the pixels anyway.
_QUICK_BYTES = 50_000_000


def check(inputs: Sequence[Path], targets: Sequence[Path], *, mode: ModeName) -> None:
    """The inputs are stacks that can be denoised, as far as can be said quickly, and the results can be written.

    Raises:
        CliError: One of them is not so.
    """
    for source, target in zip(inputs, targets, strict=True):
        paths.check_input(source)
        paths.check_pair(source, target)
        _check_stack(source, mode)


def check_input(path: Path) -> None:
    """One input alone, whatever is to be done with it.

    Raises:
        CliError: It is no stack that can be denoised.
    """
    paths.check_input(path)
    _check_stack(path, ModeName.TWO_D)


def _check_stack(path: Path, mode: ModeName) -> None:
    try:
        num_slices = _num_slices(path)
    except StackRefused as refused:
        if refused.reason == TOO_LARGE:
            return  # that is for the installation to say: its limits may be others
        raise CliError(f"{path}: {refused.message}") from refused
    if mode is ModeName.TWO_AND_HALF_D and (refusal := two_and_half_d_refusal(num_slices)):
        raise CliError(f"{path}: {refusal}")


def _num_slices(path: Path) -> int:
    if path.stat().st_size <= _QUICK_BYTES:
        return inspect_tiff(path, Limits()).num_slices
    read_heads(path, max_pages=Limits().max_slices)
    with StackReader(path) as reader:
        return reader.num_slices
