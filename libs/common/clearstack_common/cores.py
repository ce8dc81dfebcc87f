"""How many cores a process may use: in a container that is its limit, not the machine's number of cores."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def usable_cores(root: Path = ROOT) -> int:
    """The cores that this process may run on, and no more than its control groups give it time for; at least 1.

    Args:
        root: Where `proc` and `sys` are.
    """
    limits = [limit for limit in (_limit(folder) for folder in _folders(root)) if limit is not None]
    return max(1, min(_schedulable(), *(math.ceil(limit) for limit in limits), 1 << 16))


def _schedulable() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _folders(root: Path) -> Iterator[Path]:
    """The process's control groups and all above them: each may have a limit of its own."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:  # version 2
            mount = mounts
        elif "cpu" in controllers.split(","):  # version 1
            mount = mounts / controllers
        else:
            continue
        # Inside a container the path may be the host's, of which only the root is to be seen.
        group = mount / path.strip("/")
        yield group
        yield from (folder for folder in group.parents if folder.is_relative_to(mount))


def _limit(folder: Path) -> float | None:
    """Cores' worth of time; None: no limit is set there."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text()
        return None if quota in {"max", "-1"} else int(quota) / int(period)
    except (OSError, ValueError):
        return None
