"""Writes the lock files: every dependency of Clearstack with its version and the hashes of its files on PyPI.

requirements.lock is what Clearstack needs, requirements-dev.lock what its tests need on top. PyTorch and its CUDA
libraries stand by themselves in requirements-torch.lock, because sites install other builds of them (for CPUs, for
another CUDA) from other places, with other hashes. For each image, deploy/docker has the names of what it needs of
requirements.lock; sbom.lock is the tool that lists what is in an image.

Args (command line): the program `uv`.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")
_HEADER = "# Written by `make lock`.\n"
_IMAGES = Path("deploy/docker")
# Trainer and inference share a layer.
_IMAGE_EXTRAS = ("gateway", "mask-extractor", "inference", "web")
_OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--quiet",
)


def main(uv: str) -> None:
    """Ask the index for everything, and sort it into the three files."""
    runtime = _compile(uv, "pyproject.toml", "all")
    everything = _compile(uv, "pyproject.toml", "all", "dev")
    torch = {name for name in runtime if _TORCH.fullmatch(name)}
    _write("requirements.lock", {name: everything[name] for name in runtime if name not in torch})
    _write("requirements-torch.lock", {name: everything[name] for name in torch})
    _write("requirements-dev.lock", {name: text for name, text in everything.items() if name not in runtime})
    for extra in _IMAGE_EXTRAS:
        names = _compile(uv, "pyproject.toml", extra, "telemetry").keys() - torch
        (ROOT / _IMAGES / f"{extra}.packages").write_text("".join(f"{name}\n" for name in sorted(names)))
    _write(str(_IMAGES / "sbom.lock"), _compile(uv, str(_IMAGES / "sbom.in")))


def _compile(uv: str, source: str, *extras: str) -> dict[str, str]:
    """The lines about each package, by its name."""
    chosen = [f"--extra={extra}" for extra in extras]
    done = subprocess.run(
        [uv, "pip", "compile", source, *_OPTIONS, *chosen],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    packages: dict[str, str] = {}
    for entry in re.split(r"^(?=\S)", done.stdout, flags=re.MULTILINE):
        name, pinned, _ = entry.partition("==")
        if pinned:  # one package may have several entries, for several versions of Python
            packages[name] = packages.get(name, "") + entry
    return packages


def _write(name: str, packages: dict[str, str]) -> None:
    (ROOT / name).write_text(_HEADER + "".join(packages[each] for each in sorted(packages)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
