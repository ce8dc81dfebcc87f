"""Line plots and masks as inline SVG: small, sharp on paper, and without a library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

_WIDTH, _HEIGHT = 440, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 12, 40
_CELL = 12
_NUM_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a plot."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dashed: bool = False


def line_plot(lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """Lines over common axes with a legend; points that are not finite are left out."""
    points = [(x, y) for line in lines for x, y in zip(line.x, line.y, strict=True) if np.isfinite(y)]
    if not points:
        return ""
    x_low, x_high = _span([x for x, _ in points])
    y_low, y_high = _span([y for _, y in points], margin=0.05)

    def at(x: float, y: float) -> str:
        across = _LEFT + (x - x_low) / (x_high - x_low) * (_WIDTH - _LEFT - _RIGHT)
        up = _HEIGHT - _BOTTOM - (y - y_low) / (y_high - y_low) * (_HEIGHT - _TOP - _BOTTOM)
        return f"{across:.1f},{up:.1f}"

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(y_label)} over {escape(x_label)}">'
    ]
    for tick in _ticks(y_low, y_high):
        (_, y), (_, label_y) = (at(x_low, tick).split(","),) * 2
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(
            f'<text class="tick" x="{_LEFT - 6}" y="{float(label_y) + 3.5:.1f}" text-anchor="end">{tick:.3g}</text>'
        )
    for tick in _ticks(x_low, x_high):
        x = at(tick, y_low).split(",")[0]
        parts.append(
            f'<text class="tick" x="{x}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{tick:.4g}</text>'
        )
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_HEIGHT - _BOTTOM}" y2="{_HEIGHT - _BOTTOM}"/>'
    )
    parts += [
        _drawn(line, [at(x, y) for x, y in zip(line.x, line.y, strict=True) if np.isfinite(y)])
        for line in lines
    ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="label" x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle">{escape(x_label)}</text>'
    )
    parts.append(
        f'<text class="label" transform="translate(13,{(_HEIGHT - _BOTTOM + _TOP) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label)}</text></svg>'
    )
    return "".join(parts) + _legend(lines)


def mask_plot(rows: Sequence[str]) -> str:
    """A mask: `#` hidden, `o` the predicted pixel, anything else not hidden."""
    height, width = len(rows) * _CELL, max(map(len, rows)) * _CELL
    cells = []
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            kind = {"#": "hidden", "o": "centre"}.get(cell, "free")
            cells.append(
                f'<rect class="{kind}" x="{x * _CELL + 0.5}" y="{y * _CELL + 0.5}" width="{_CELL - 1}" height="{_CELL - 1}"/>'
            )
    # A mask of one pixel should not fill the page.
    return f'<svg class="mask" viewBox="0 0 {width} {height}" style="width:{min(width, 400)}px" role="img">{"".join(cells)}</svg>'


def _drawn(line: Line, points: Sequence[str]) -> str:
    dash = ' stroke-dasharray="4 3"' if line.dashed else ""
    if len(points) == 1:
        x, y = points[0].split(",")
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{line.colour}"/>'
    return (
        f'<polyline points="{" ".join(points)}" fill="none" stroke="{line.colour}" stroke-width="1.8"{dash}/>'
    )


def _legend(lines: Sequence[Line]) -> str:
    items = "".join(
        f'<span><i style="border-top:2px {"dashed" if line.dashed else "solid"} {line.colour}"></i>{escape(line.label)}</span>'
        for line in lines
    )
    return f'<div class="legend">{items}</div>'


def _span(values: Sequence[float], margin: float = 0.0) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high == low:
        return low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def _ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / _NUM_TICKS
    scale = 10.0 ** np.floor(np.log10(raw))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= raw)
    first = np.ceil(low / step) * step
    return [float(round(tick, 10)) + 0.0 for tick in np.arange(first, high + step / 1000, step)]
