"""For a microscope's PC: denoises what arrives in a folder, and puts each result beside its file.

pip install clearstack-client; then: python watch_folder.py HOST:PORT FOLDER [--method auto] [--model models/…] [--once]

A file is taken when it has not grown for a while. Its result is `NAME-denoised.tif`; where that is there already,
nothing is to be done. So the program may be stopped and started at any time: an upload that it had begun goes on.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from clearstack_client import ClearstackError, Client

RESULT = "-denoised"
POLL_S = 5.0


def waiting(folder: Path) -> Iterator[Path]:
    """TIFF files without a result, the oldest first; hidden and unfinished files are not data."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in {".tif", ".tiff"}]
    for path in sorted(found, key=lambda each: each.stat().st_mtime):
        is_ours = path.stem.endswith(RESULT) or path.name.startswith(".")
        if not is_ours and not result_of(path).exists() and not refusal_of(path).exists():
            yield path


def result_of(path: Path) -> Path:
    """Where the result goes."""
    return path.with_name(f"{path.stem}{RESULT}.tif")


def refusal_of(path: Path) -> Path:
    """Where the reason goes when there is no result; delete it to have the file tried again."""
    return path.with_name(f"{path.name}.clearstack-error.txt")


def has_settled(path: Path, settle_s: float) -> bool:
    """Whether the microscope has finished writing."""
    return path.stat().st_size > 0 and time.time() - path.stat().st_mtime >= settle_s


def denoise(client: Client, path: Path, arguments: argparse.Namespace) -> None:
    """One file; what it is refused for is written down beside it, and the next one follows."""
    try:
        client.denoise_file(
            path, result_of(path), method=arguments.method, preset=arguments.preset, model=arguments.model
        )
        print(f"{path.name}: done", flush=True)
    except ClearstackError as error:
        if not error.reason:  # nobody answers: that says nothing about the file
            raise
        refusal_of(path).write_text(f"{error.reason}: {error}\n", encoding="utf-8")
        print(f"{path.name}: {error}", flush=True)


def main() -> None:
    """Looks again and again."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("endpoint")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", default="auto", choices=("n2v", "autostructn2v", "auto"))
    parser.add_argument("--preset", default="fast", choices=("fast", "balanced", "high-quality"))
    parser.add_argument("--model", default="", help="models/…: train nothing, use this one")
    parser.add_argument("--settle", type=float, default=30.0, help="seconds without growth (default: 30)")
    parser.add_argument("--once", action="store_true", help="end when nothing is left to do")
    arguments = parser.parse_args()
    with Client(arguments.endpoint) as client:
        while True:
            left = list(waiting(arguments.folder))
            for path in left:
                if has_settled(path, arguments.settle):
                    denoise(client, path, arguments)
            if arguments.once and not left:
                return
            time.sleep(POLL_S if not arguments.once else min(POLL_S, arguments.settle))


if __name__ == "__main__":
    main()
