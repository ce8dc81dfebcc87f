"""Draws the pictures from the records: `python -m bench.plots [PLAN]`, in the environment of the peers (matplotlib)."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from bench import crops, records
from bench.records import Record

BENCH = Path(__file__).parent
PLOTS = BENCH / "plots"
CURVES = {
    "clearstack-n2v": ("Clearstack N2V", "tab:blue"),
    "clearstack-auto": ("Clearstack autoStructN2V", "tab:green"),
    "clearstack-told": ("Clearstack, told the mask", "tab:olive"),
    "careamics-n2v": ("CAREamics N2V", "tab:orange"),
    "careamics-n2v2": ("CAREamics N2V2", "tab:pink"),
    "careamics-struct": ("CAREamics structN2V", "tab:red"),
}
LEVELS = {"bm3d-white": "BM3D “white”", "nlm": "non-local means", "noisy": "noisy"}


def main() -> None:
    """Draws all that there are records for."""
    plan = sys.argv[1] if len(sys.argv) > 1 else "full"
    found = records.load(BENCH / "results" / f"{plan}.jsonl")
    suffix = "" if plan == "full" else f"-{plan}"
    PLOTS.mkdir(exist_ok=True)
    if found:
        quality(found, PLOTS / f"quality{suffix}.svg")
        crops.draw(found, PLOTS / f"crops{suffix}.png")
    sizes = records.load(BENCH / "results" / "scale.jsonl")
    if sizes:
        scale(sizes, PLOTS / "scale.svg")


def quality(found: dict[str, Record], path: Path) -> None:
    """PSNR against CPU-seconds of training, a panel for each set."""
    plain = [r for r in found.values() if not r["cell"]["ablation"]]
    sets = [name for name in ("A", "C", "D") if any(r["cell"]["data"] == name for r in plain)]
    figure, panels = plt.subplots(1, len(sets), figsize=(5 * len(sets), 4), squeeze=False)
    for panel, data in zip(panels[0], sets, strict=True):
        here = [r for r in plain if r["cell"]["data"] == data]
        for method, (label, colour) in CURVES.items():
            points = sorted(
                (r["seconds"]["train_cpu_s"], r["psnr_db"]) for r in here if r["cell"]["method"] == method
            )
            if points:
                panel.plot(*zip(*points, strict=True), "o-", label=label, color=colour)
        for method, label in LEVELS.items():
            levels = [r["psnr_db"] for r in here if r["cell"]["method"] == method and not r["cell"]["slices"]]
            if levels:
                panel.axhline(levels[0], color="grey", linestyle=":", linewidth=1)
                panel.annotate(
                    label, (0.01, levels[0]), xycoords=("axes fraction", "data"), fontsize=7, va="bottom"
                )
        panel.set(title=f"noise {data}", xlabel="CPU-seconds of training", ylabel="PSNR (dB)", xscale="log")
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def scale(sizes: dict[str, Record], path: Path) -> None:
    """Cost and memory of a denoising against the size of the stack."""
    points = sorted((r["megabytes"], r["cpu_s"] / r["megapixels"], r["peak_mib"]) for r in sizes.values())
    megabytes, cost, peak = zip(*points, strict=True)
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.5))
    panels[0].plot(megabytes, cost, "o-")
    panels[0].set(xscale="log", xlabel="stack (MB)", ylabel="CPU-seconds per megapixel", ylim=(0, None))
    panels[1].plot(megabytes, peak, "o-")
    panels[1].set(xscale="log", xlabel="stack (MB)", ylabel="peak memory (MiB)", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
