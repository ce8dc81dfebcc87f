"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def usable_cores() -> int:
    """Those that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> str:
    """Processor, its number of cores, what it has for small floats, and the system."""
    lines = _cpu_lines()
    model = lines.get("model name", platform.processor() or "unknown processor").strip()
    flags = set(lines.get("flags", "").split())
    small = [flag for flag in ("avx512_bf16", "amx_bf16") if flag in flags]
    extra = f", {', '.join(small)}" if small else ""
    return f"{model}, {usable_cores()} cores{extra}; {platform.system()}, Python {platform.python_version()}"


def _cpu_lines() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    pairs = [line.split(":", 1) for line in path.read_text().splitlines() if ":" in line]
    return {name.strip(): value for name, value in pairs}
