"""The report as one HTML page: pictures and plots are inside, nothing is fetched, nothing runs."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from clearstack_mask_extractor.reporting import pictures
from clearstack_mask_extractor.reporting.measure import Measured, ShownSlice
from clearstack_mask_extractor.reporting.plots import Line, line_plot, mask_plot
from clearstack_mask_extractor.reporting.style import CSS
from clearstack_mask_extractor.reporting.tables import amount, comparison, parameters, provenance, share

_BLUE, _RED, _GREY = "#2158a0", "#b23626", "#8b95a3"
_MAP_PX = 12  # reach of the correlation maps


def page(facts: Mapping[str, Any], measured: Measured) -> str:
    """The whole page."""
    title = escape(f"{facts['title']}: denoising report")
    sections = [
        _head(facts),
        _verdict(facts["verdict"]),
        _tiles(facts),
        "<h2>Input, result, and what was removed</h2>",
        *_slices(measured.shown, measured.num_slices),
        *_comparison(facts),
        "<h2>The noise, and what was removed of it</h2>",
        _correlation(facts, measured),
        *_losses(facts["losses"]),
        *_mask(facts["mask"]),
        "<h2>Parameters</h2>",
        parameters(facts["parameters"], int(facts["stage"]), str(facts["method"])),
        "<h2>Provenance</h2>",
        provenance(facts),
        (
            f"<footer>Estimates are made without knowing the truth, on {facts['measured_slice_count']} of "
            f"{facts['slice_count']} slices.</footer>"
        ),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{CSS}</style></head><body><main>{''.join(sections)}</main></body></html>"
    )


def _head(facts: Mapping[str, Any]) -> str:
    stage = f"stage {facts['stage']}" if facts["method"] != "N2V" else ""
    slices, height, width = facts["provenance"]["shape"]
    what = [
        facts["method"],
        facts["mode"],
        stage,
        f"{slices} × {height} × {width} px",
        facts["provenance"]["dtype"],
    ]
    return (
        f"<header><h1>{escape(facts['title'])}</h1><div class='brand'>Clearstack {escape(facts['provenance']['code_version'])}"
        f" · {escape(facts['provenance']['made'][:16].replace('T', ' '))}</div></header>"
        f"<p class='sub'>{escape(' · '.join(part for part in what if part))}</p>"
    )


def _verdict(verdict: Mapping[str, str]) -> str:
    kind = "" if verdict["kind"] == "good" else " warn"
    return f"<div class='verdict{kind}'><b>{escape(verdict['headline'])}</b>{escape(verdict['text'])}</div>"


def _tiles(facts: Mapping[str, Any]) -> str:
    result = facts["result"]
    pattern = result["noise_pattern"]
    tiles = [
        ("Noise of the input, standard deviation", amount(result["noise_std"])),
        (
            "Noise removed",
            f"{result['noise_removed_percent']:.0f} %" if result["noise_std"] else "none found",
        ),
        ("Fine structure lost, about", share(result["signal_lost_percent"])),
        ("Pattern of the noise", "none" if pattern == "none" else pattern),
    ]
    return (
        "<div class='tiles'>"
        + "".join(
            f"<div class='tile'><span>{name}</span><strong>{escape(value)}</strong></div>"
            for name, value in tiles
        )
        + "</div>"
    )


def _slices(shown: Sequence[ShownSlice], num_slices: int) -> list[str]:
    made = []
    for number, each in enumerate(shown):
        limits = pictures.contrast(each.denoised_YX)
        corner = pictures.busiest_corner(each.denoised_YX)
        panels = [("Input", each.noisy_YX, limits)]
        if each.earlier_YX is not None:
            panels.append(("Stage 1", each.earlier_YX, limits))
        residual_YX = each.noisy_YX - each.denoised_YX
        panels += [
            ("Result", each.denoised_YX, limits),
            ("Removed (input − result)", residual_YX, pictures.residual_contrast(residual_YX)),
        ]
        made.append(f"<h3>Slice {each.z + 1} of {num_slices}</h3>")
        made.append(_row([(name, pictures.whole(slice_YX, limits), "") for name, slice_YX, limits in panels]))
        if number == len(shown) // 2:
            made.append(
                _row(
                    [
                        ("", pictures.detail(slice_YX, limits, corner), "pixels")
                        for _, slice_YX, limits in panels
                    ]
                )
            )
            made.append("<p class='scale'>Above, a part of the slice, pixel by pixel.</p>")
    return made


def _row(panels: Sequence[tuple[str, str, str]]) -> str:
    figures = "".join(
        f"<figure><img class='{kind}' src='{uri}' alt='{escape(name)}'>"
        + (f"<figcaption>{escape(name)}</figcaption>" if name else "")
        + "</figure>"
        for name, uri, kind in panels
    )
    return f"<div class='pictures' style='grid-template-columns:repeat({len(panels)},1fr)'>{figures}</div>"


def _comparison(facts: Mapping[str, Any]) -> list[str]:
    if not facts["stage_one"]:
        return []
    return ["<h2>Stage 2 beside stage 1</h2>", comparison(facts["stage_one"], facts["result"])]


def _correlation(facts: Mapping[str, Any], measured: Measured) -> str:
    maps = []
    correlation = measured.outcome.correlation
    for name, correlation_ZYX in (
        ("Noise of the input", correlation.flat_correlation_ZYX),
        ("What was removed", correlation.residual_correlation_ZYX),
    ):
        z, y, x = (side // 2 for side in correlation_ZYX.shape)
        reach = min(_MAP_PX, y, x)
        around_YX = correlation_ZYX[z, y - reach : y + reach + 1, x - reach : x + reach + 1]
        maps.append(
            f"<figure><img class='pixels' src='{pictures.correlation_map(np.asarray(around_YX))}' alt='{name}'>"
            f"<figcaption>{name}, ±{reach} px</figcaption></figure>"
        )
    profile = facts["correlation"]
    offsets = profile["offsets_px"]
    lines = [
        Line(label="noise, along rows", x=offsets[1:], y=profile["noise_along_rows"][1:], colour=_BLUE),
        Line(
            label="removed, along rows",
            x=offsets[1:],
            y=profile["residual_along_rows"][1:],
            colour=_BLUE,
            dashed=True,
        ),
        Line(label="noise, along columns", x=offsets[1:], y=profile["noise_along_columns"][1:], colour=_RED),
        Line(
            label="removed, along columns",
            x=offsets[1:],
            y=profile["residual_along_columns"][1:],
            colour=_RED,
            dashed=True,
        ),
    ]
    return (
        f"<div class='two'><div><div class='maps'>{''.join(maps)}</div><p class='scale'>How strongly the noise of two pixels "
        "goes together, by their distance: white not at all, red alike, blue opposite.</p></div>"
        f"<div>{line_plot(lines, 'distance in pixels', 'correlation')}</div></div>"
    )


def _losses(losses: Sequence[Mapping[str, Any]]) -> list[str]:
    plots = []
    for stage in losses:
        epochs = [epoch["epoch"] for epoch in stage["epochs"]]
        lines = [
            Line(
                label="training",
                x=epochs,
                y=[epoch["train_loss"] for epoch in stage["epochs"]],
                colour=_GREY,
                dashed=True,
            ),
            Line(
                label="validation", x=epochs, y=[epoch["val_loss"] for epoch in stage["epochs"]], colour=_BLUE
            ),
        ]
        best = min((epoch["val_loss"], epoch["epoch"]) for epoch in stage["epochs"])
        early = ", stopped early" if stage["epochs"][-1].get("stopped_early") else ""
        plots.append(
            f"<div><h3>Stage {stage['stage']}</h3>{line_plot(lines, 'epoch', 'loss')}"
            f"<p class='scale'>Best validation loss {best[0]:.4f} at epoch {best[1]} of {epochs[-1]}{early}.</p></div>"
        )
    return ["<h2>Training</h2>", f"<div class='two'>{''.join(plots)}</div>"] if plots else []


def _mask(mask: Mapping[str, Any] | None) -> list[str]:
    if not mask:
        return []
    width = mask["summary"].get("kernel_width", 1)
    drawn = []
    for plane in mask["planes"]:
        cells = ["#" if active else "." for active in plane["active"]]
        offset = int(plane.get("slice_offset", 0))
        if offset == 0:
            cells[len(cells) // 2] = "o"
        name = f"<h3>slice {offset:+d}</h3>" if len(mask["planes"]) > 1 else ""
        rows = ["".join(cells[start : start + width]) for start in range(0, len(cells), width)]
        drawn.append(f"<div>{name}{mask_plot(rows)}</div>")
    return [
        "<h2>Mask</h2>",
        f"<p>{escape(mask['summary'].get('message', ''))}</p>",
        f"<div style='display:flex;gap:28px;flex-wrap:wrap'>{''.join(drawn)}</div>",
        "<p class='scale'>Red: the pixel that is predicted; blue: hidden together with it.</p>",
    ]
