"""What can be said about files before anything is started or sent."""

import os
from pathlib import Path

from clearstack_cli.errors import CliError, UsageError


def check_input(path: Path) -> None:
    """The file is there and can be read.

    Raises:
        CliError: It is not.
    """
    if not path.exists():
        raise CliError(f"{path} does not exist. Check the path and its spelling.")
    if path.is_dir():
        raise CliError(f"{path} is a folder. Give a TIFF file in it.")
    if not os.access(path, os.R_OK):
        raise CliError(f"{path} cannot be read: you have no permission.")
    if path.stat().st_size == 0:
        raise CliError(f"{path} is empty: it has 0 bytes.")


def check_output(path: Path) -> None:
    """A file can be written there.

    Raises:
        CliError: It cannot.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise CliError(f"{path} is a folder. Give the name of a file in it.")
    if not folder.is_dir():
        raise CliError(f"The folder {folder} does not exist. Make it first, or write elsewhere with -o.")
    if not os.access(folder, os.W_OK):
        raise CliError(f"The folder {folder} cannot be written. Write elsewhere with -o.")


def check_pair(source: Path, target: Path) -> None:
    """The result can be written, and not over the input.

    Raises:
        CliError: It cannot, or it would.
    """
    check_output(target)
    if target.exists() and target.samefile(source):
        raise CliError(f"{target} is the input itself. Clearstack never writes over it: give another -o.")


def results_of(sources: list[Path], output: Path | None) -> list[Path]:
    """Where each input's result goes: `-o` (a file for one input, a folder for several), or beside the input.

    Raises:
        UsageError: One file is to hold several results, or two inputs would share one.
    """
    if output is not None and len(sources) == 1 and not output.is_dir():
        return [output]
    if output is not None and not output.is_dir():
        raise UsageError(f"With several inputs -o is a folder that exists, and {output} is none.")
    targets = [(output or source.parent) / f"{source.stem}-denoised.tif" for source in sources]
    for target in targets:
        if targets.count(target) > 1:
            raise UsageError(
                f"Two inputs would both be written to {target}. Denoise them one at a time with -o."
            )
    return targets


def reports_of(sources: list[Path], report: Path | None) -> list[Path | None]:
    """Where each input's report goes: `--report` (a file for one input, a folder for several), or nowhere.

    Raises:
        UsageError: One file is to hold several reports.
        CliError: It cannot be written.
    """
    if report is None:
        return [None for _ in sources]
    if len(sources) == 1 and not report.is_dir():
        check_output(report)
        return [report]
    if not report.is_dir():
        raise UsageError(f"With several inputs --report is a folder that exists, and {report} is none.")
    return [report / f"{source.stem}-report.html" for source in sources]
