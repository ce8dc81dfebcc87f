"""Runs cells and records them: `python -m bench.run quick|full|ablations|cell ...`, in .venv.

What is recorded already is not run again (unless `--fresh`), so that a run of hours can be interrupted. Records are
lines of JSON in bench/results; the denoised stacks stay in bench/.work, for the pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench import cells, machine, records
from bench.cells import Cell
from bench.measure import psnr_per_slice

BENCH = Path(__file__).parent
DATA = BENCH / ".work" / "data"
OUTPUTS = BENCH / ".work" / "outputs"
PEERS_PYTHON = BENCH / ".venv-peers" / "bin" / "python"
MODULES = {"careamics": "bench.peers.careamics_run", "clearstack": "bench.clearstack_run"}
CLASSICAL = "bench.peers.classical_run"


def prepare(data: str | None) -> None:
    """Makes the yardstick, where it is not there yet."""
    wanted = DATA / ("confocal" if data else "drift")
    if wanted.exists():
        return
    extra = ["--data", data] if data else []
    subprocess.run([PEERS_PYTHON, "-m", "bench.yardstick", DATA, *extra], check=True, cwd=BENCH.parent)


def command(cell: Cell) -> list[str]:
    """What runs a cell; can be typed as it stands in the project's root."""
    module = MODULES.get(cell.method.split("-")[0], CLASSICAL)
    python = str(BENCH.parent / ".venv" / "bin" / "python") if cell.is_ours else str(PEERS_PYTHON)
    words = [python, "-m", module, cell.method, str(DATA / cell.data / "input"), str(OUTPUTS / cell.key)]
    words += ["--budget-s", f"{cell.budget_s:g}", "--seed", str(cell.seed)]
    words += ["--slices", *map(str, cell.slices)] if cell.slices else []
    words += ["--preset", cell.preset] if cell.preset else []
    return [*words, "--ablate", cell.ablation] if cell.ablation else words


def measure(cell: Cell) -> dict[str, Any]:
    """Runs one cell in a process of its own, on one thread."""
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = os.environ | threads | {"OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(
        command(cell), cwd=BENCH.parent, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{cell.key} failed:\n{done.stderr[-2000:]}")
    answer = json.loads((OUTPUTS / cell.key / "answer.json").read_text())
    peak = json.loads((DATA / cell.data / "input" / "meta.json").read_text())["peak"]
    chosen = list(cell.slices) or slice(None)
    truth_ZYX = np.load(DATA / cell.data / "truth.npy")[chosen]
    psnr_Z = psnr_per_slice(np.load(OUTPUTS / cell.key / "denoised.npy") / peak, truth_ZYX)
    return {
        "key": cell.key,
        "cell": asdict(cell),
        "psnr_db": round(float(np.mean(psnr_Z)), 3),
        "psnr_Z_db": [round(value, 3) for value in psnr_Z],
        **answer,
        "command": _relative(command(cell)),
        "machine": machine.describe(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _relative(words: list[str]) -> str:
    return " ".join(word.removeprefix(f"{BENCH.parent}/") for word in words)


def run(plan: Iterable[Cell], name: str, *, fresh: bool, workers: int) -> bool:
    """Runs what is missing; whether all of it succeeded."""
    path = BENCH / "results" / f"{name}.jsonl"
    known = set() if fresh else set(records.load(path))
    plan = list(dict.fromkeys(plan))
    there = [cell for cell in plan if (DATA / cell.data).exists()]
    if len(there) < len(plan):
        print("No real images (--data DIR or CLEARSTACK_BENCH_DATA): the confocal cells are left out.")
    missing = [cell for cell in there if cell.key not in known]
    print(f"{len(missing)} cells to measure, {workers} at a time", flush=True)
    failures = 0
    with ThreadPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(measure, cell) for cell in missing]):
            try:
                record = future.result()
            except RuntimeError as error:
                failures += 1
                print(error, file=sys.stderr)
                continue
            records.add(path, record)
            spent = record["seconds"]["train_cpu_s"]
            print(f"{record['key']:60} {record['psnr_db']:6.2f} dB  {spent:7.1f} CPU-s", flush=True)
    return not failures


def main() -> None:
    """Runs a plan, or one cell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", choices=["quick", "full", "ablations", "cell"])
    parser.add_argument(
        "--data", default=os.environ.get("CLEARSTACK_BENCH_DATA"), help="folder of real images"
    )
    parser.add_argument("--fresh", action="store_true", help="measure again what is recorded")
    parser.add_argument("--workers", type=int, default=machine.usable_cores())
    parser.add_argument("--only", default="", help="only cells whose key contains this")
    parser.add_argument("--into", default="", help="name of the records, without .jsonl; default: the plan")
    single = parser.add_argument_group("one cell")
    single.add_argument("--set", default="A", dest="set_")
    single.add_argument("--method", default="clearstack-n2v")
    single.add_argument("--budget-s", type=float, default=0.0)
    single.add_argument("--preset", default="fast")
    single.add_argument("--ablate", default="")
    single.add_argument("--slices", type=int, nargs="+", default=[])
    single.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    prepare(arguments.data)
    plan = [cell for cell in _plan(arguments) if arguments.only in cell.key]
    name = arguments.into or arguments.plan
    if not run(plan, name, fresh=arguments.fresh, workers=arguments.workers):
        raise SystemExit("Some cells failed, see above; run the same again to try these once more.")


def _plan(arguments: argparse.Namespace) -> Iterable[Cell]:
    if arguments.plan == "quick":
        return cells.quick()
    if arguments.plan == "ablations":
        return cells.ablations()
    if arguments.plan == "full":
        return cells.full()
    is_ours = arguments.method.startswith("clearstack")
    cell = Cell(
        data=arguments.set_,
        method=arguments.method,
        budget_s=arguments.budget_s,
        preset=arguments.preset if is_ours else "",
        ablation=arguments.ablate if is_ours else "",
        slices=tuple(arguments.slices),
        seed=arguments.seed,
    )
    return [cell]


if __name__ == "__main__":
    main()
