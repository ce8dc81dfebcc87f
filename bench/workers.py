"""One denoising shared by several inference workers: `python -m bench.workers [--workers 1 2 4]`, in .venv.

A real installation for each number of workers, one thread for each. The same stack is denoised with the same model;
the time is that of the denoising in the installation's own record, the upload and the download not counted.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine, records

RESULTS = Path(__file__).parent / "results" / "workers.jsonl"
CLEARSTACK = str(Path(sys.executable).with_name("clearstack"))
SIDE_PX = 512
SLICES_PER_RANGE = 4
TRAINING = (
    "--preset",
    "fast",
    "--set",
    "stage1.epochs=1",
    "--set",
    "stage1.patches_per_image=8",
    "--seed",
    "1",
)
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "CLEARSTACK_PIXELS_PER_RANGE": str(SLICES_PER_RANGE * SIDE_PX**2)}


def clearstack(*words: str) -> str:
    """Runs a verb; what it printed."""
    done = subprocess.run((CLEARSTACK, *words), check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextmanager
def installation(data: Path, num_workers: int) -> Iterator[str]:
    """`clearstack up` on a folder; its endpoint."""
    words = (CLEARSTACK, "up", "--json", "--data", str(data), "--inference-workers", str(num_workers))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | ENVIRONMENT) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit("the installation did not start")
            yield str(json.loads(line)["endpoint"])
        finally:
            process.send_signal(signal.SIGTERM)


def measure(num_workers: int, folder: Path, num_slices: int) -> dict[str, Any]:
    """Seconds of one denoising, and the checksum of the file that came of it."""
    small, large, clean = (folder / f"{name}.tif" for name in ("small", "large", "clean"))
    for path, slices in ((small, 8), (large, num_slices)):
        if not path.exists():
            clearstack("sample", "white", str(path), "--side", str(SIDE_PX), "--slices", str(slices))
    load = os.getloadavg()[0]
    with installation(folder / f"data{num_workers}", num_workers) as endpoint:
        there = ("--endpoint", endpoint)
        clearstack("denoise", str(small), "-o", str(folder / "ignored.tif"), *TRAINING, *there)
        model = json.loads(clearstack("models", "list", "--json", *there))["models"][0]["name"]
        clearstack("denoise", str(large), "-o", str(clean), "--model", model, *there)
        newest = json.loads(clearstack("denoisings", "list", "--json", *there))["denoisings"][0]
    began, ended = (datetime.fromisoformat(newest[name]) for name in ("create_time", "end_time"))
    return {
        "key": f"{num_workers} workers",
        "num_workers": num_workers,
        "seconds": (ended - began).total_seconds(),
        "megapixels": num_slices * SIDE_PX**2 / 1e6,
        "sha256": hashlib.sha256(clean.read_bytes()).hexdigest(),
        "load": load,
        "machine": machine.describe(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def main() -> None:
    """Measures each number of workers on the same stack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--slices", type=int, default=96, help=f"of {SIDE_PX} x {SIDE_PX} px")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for num_workers in arguments.workers:
            found = measure(num_workers, Path(folder), arguments.slices)
            records.add(RESULTS, found)
            rate = found["megapixels"] / found["seconds"]
            print(
                f"{num_workers} workers: {rate:.2f} megapixels a second, {found['sha256'][:12]}", flush=True
            )


if __name__ == "__main__":
    main()
