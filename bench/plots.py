"""Draws the pictures from the records: `python -m bench.plots [PLAN]`, in the environment of the peers (matplotlib)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

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
LEVELS = {"bm3d-white": ("BM3D, told “white”", "--"), "nlm": ("non-local means", ":")}
KINDS = {512: "slices of 512 × 512 px", 64: "slices of 64 × 64 px", 0: "a single slice"}


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
            mine = [r for r in here if r["cell"]["method"] == method]
            for preset in sorted({r["cell"]["preset"] for r in mine}):
                points = sorted(
                    (r["seconds"]["train_cpu_s"], r["psnr_db"]) for r in mine if r["cell"]["preset"] == preset
                )
                usual = preset in {"", "fast"}
                name = label if usual else f"{label}, {preset}"
                panel.plot(*zip(*points, strict=True), "o-" if usual else "s--", label=name, color=colour)
        for method, (label, style) in LEVELS.items():
            levels = [r["psnr_db"] for r in here if r["cell"]["method"] == method and not r["cell"]["slices"]]
            if levels:
                panel.axhline(levels[0], color="grey", linestyle=style, linewidth=1, label=label)
        before = [r["psnr_db"] for r in here if r["cell"]["method"] == "noisy"]
        title = f"noise {data}" + (f" (noisy: {before[0]:.1f} dB)" if before else "")
        panel.set(title=title, xlabel="CPU-seconds of training", ylabel="PSNR (dB)")
        _plain_log_axis(panel, subs=(1.0, 1.5, 2.0, 3.0, 5.0))
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def scale(sizes: dict[str, Record], path: Path) -> None:
    """Cost and memory of a denoising against the size of the stack."""
    figure, (cost, memory) = plt.subplots(1, 2, figsize=(10, 3.8))
    for side_px, label in KINDS.items():
        chosen = sorted(
            (r["megabytes"], r["cpu_s"] / r["megapixels"], r["peak_mib"])
            for r in sizes.values()
            if side_px == (r["shape_ZYX"][-1] if r["shape_ZYX"][0] > 1 else 0)
        )
        if chosen:
            megabytes, cost_s, peak_mib = zip(*chosen, strict=True)
            cost.plot(megabytes, cost_s, "o-", label=label)
            memory.plot(megabytes, peak_mib, "o-", label=label)
    cost.set(xlabel="stack (MB)", ylabel="CPU-seconds per megapixel", yscale="log")
    memory.axhline(2e9 / 2**20, color="grey", linestyle=":", label="2 GB")
    memory.set(xlabel="stack (MB)", ylabel="peak memory (MiB)", ylim=(0, None))
    for panel in (cost, memory):
        _plain_log_axis(panel, subs=(1.0,))
        panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _plain_log_axis(panel: Any, *, subs: tuple[float, ...]) -> None:
    """Numbers as people write them, not powers of ten."""
    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())


if __name__ == "__main__":
    main()
