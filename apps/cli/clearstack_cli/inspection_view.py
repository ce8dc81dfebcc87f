"""What a look at a stack found, as a person reads it."""

from collections.abc import Sequence

from clearstack.v1.inspection_pb2 import CorrelationMap, Inspection
from rich.console import Group, RenderableType
from rich.text import Text

from clearstack_cli import mask_view, words
from clearstack_cli.output import card

_SHADES = "·░▒▓█"
_REACH_PX = 6  # columns
_REACH_ROWS = 4


def page(title: str, found: Inspection) -> RenderableType:
    """The numbers, the recommendation, and previews of correlation and mask."""
    advice = found.recommendation
    facts: list[tuple[str, RenderableType]] = [
        ("noise", _noise(found)),
        ("signal to noise", f"{found.noise.signal_to_noise:.1f}" if found.noise.signal_to_noise else ""),
        ("brightness", _dependence(found)),
        ("clipping", _clipping(found)),
        ("slices", _agreement(found)),
        ("", Text()),
        ("recommended", Text(recommended(found), style="bold")),
        ("because", advice.reason),
        ("", "" if advice.nothing_to_remove else advice.mode_reason),
    ]
    return Group(card(title, facts), *_previews(found))


def recommended(found: Inspection) -> str:
    """For example `autoStructN2V, 2D`."""
    advice = found.recommendation
    if advice.nothing_to_remove:
        return "leave it as it is"
    return f"{words.method(advice.method)}, {words.mode(advice.mode)}"


def _noise(found: Inspection) -> str:
    noise = found.noise
    if not noise.standard_deviation:
        return "none found"
    return f"standard deviation {words.amount(noise.standard_deviation)}, {noise.percent_of_range:.1f} % of the range"


def _dependence(found: Inspection) -> str:
    if not found.HasField("signal_dependence"):
        return ""
    line = found.signal_dependence
    return f"noise grows with it, as photon noise does: about {words.amount(line.gain)} per photon"


def _clipping(found: Inspection) -> str:
    clipping = found.clipping
    parts = [
        f"{share:.2g} % of the pixels {what}"
        for share, what in (
            (clipping.saturated_percent, "at the largest value"),
            (clipping.black_percent, "at the smallest"),
        )
        if share
    ]
    return ", ".join(parts) or "none"


def _agreement(found: Inspection) -> str:
    if not found.HasField("slice_agreement"):
        return ""
    shared = found.slice_agreement
    moved = f", {shared.shift_px:.0f} px further each" if shared.shift_px >= 1 else ""
    return f"neighbours share {100 * max(0.0, shared.correlation):.0f} % of their structure{moved}"


def _previews(found: Inspection) -> Sequence[RenderableType]:
    """Only where there is a pattern to see."""
    if found.mask.summary.active_pixel_count <= 1:
        return []
    return [
        Text(
            "\nHow the noise of neighbouring pixels goes together (█ strongly, · not at all):",
            style="dim",
        ),
        Text("\n".join(correlation_rows(found.correlation)), no_wrap=True),
        Text("\nPreview of the mask, hidden together with the pixel in stage 2:", style="dim"),
        mask_view.grids(found.mask),
    ]


def correlation_rows(correlation: CorrelationMap) -> list[str]:
    """The middle of the map in shades, two characters a pixel."""
    middle_y, middle_x = correlation.height // 2, correlation.width // 2
    reach, reach_rows = min(_REACH_PX, middle_x), min(_REACH_ROWS, middle_y)
    rows = []
    for y in range(middle_y - reach_rows, middle_y + reach_rows + 1):
        cells = []
        for x in range(middle_x - reach, middle_x + reach + 1):
            value = abs(correlation.correlation[y * correlation.width + x])
            shade = _SHADES[min(len(_SHADES) - 1, int(value * len(_SHADES)))]
            cells.append(
                mask_view.CENTRE + " "
                if (y, x) == (middle_y, middle_x)
                else shade * 2
                if shade != _SHADES[0]
                else shade + " "
            )
        rows.append("".join(cells).rstrip())
    return rows
