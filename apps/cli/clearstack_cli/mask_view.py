"""A mask as a person sees it: its grid with the centre marked, and what was measured."""

from collections.abc import Iterable

from clearstack.v1 import mask_pb2
from clearstack.v1.mask_pb2 import Mask, MaskPlane, MaskSummary, OffsetCorrelation
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.text import Text

from clearstack_cli import words
from clearstack_cli.output import card, table

ACTIVE, IDLE, CENTRE = "■", "·", "◉"
_SHOWN_OFFSETS = 12
_ADVICE = {
    mask_pb2.REVIEW_ADVICE_APPROVE: "approve it",
    mask_pb2.REVIEW_ADVICE_SKIP_STAGE_TWO: "skip stage 2: the result of stage 1 is final",
    mask_pb2.REVIEW_ADVICE_REGENERATE: "regenerate it with other parameters",
}


def grid(plane: MaskPlane, width: int) -> list[str]:
    """The rows of a plane as text, a blank between pixels."""
    cells = [ACTIVE if active else IDLE for active in plane.active]
    # In 2.5D the pixel that is predicted lies in the middle plane only.
    if plane.slice_offset == 0 and cells:
        cells[len(cells) // 2] = CENTRE
    return [" ".join(cells[start : start + width]) for start in range(0, len(cells), width or 1)]


def grids(mask: Mask) -> RenderableType:
    """All planes side by side, each in 2.5D between the name of its slice and its statistics."""
    drawn = []
    for plane in mask.planes:
        rows = grid(plane, mask.summary.kernel_width)
        if len(mask.planes) > 1:
            title = f"Z{plane.slice_offset:+d}" if plane.slice_offset else "Z"
            rows = [title, *rows, f"{plane.active_pixel_count} active", f"{plane.coverage_percent:.1f} %"]
        drawn.append(Text("\n".join(rows), no_wrap=True))
    return Columns(drawn, padding=(0, 4)) if len(drawn) > 1 else Group(*drawn)


def page(mask: Mask) -> RenderableType:
    """Everything about a mask."""
    legend = Text(f"{CENTRE} the predicted pixel   {ACTIVE} hidden together with it", style="dim")
    return Group(
        Text(), grids(mask), Text(), legend, card("Mask", _facts(mask.summary)), _offsets(mask.offsets)
    )


def _facts(summary: MaskSummary) -> list[tuple[str, RenderableType]]:
    return [
        ("finding", summary.message),
        ("pattern", words.pattern(summary.pattern)),
        ("kernel size", f"{summary.kernel_height} × {summary.kernel_width} px"),
        ("active pixels", str(summary.active_pixel_count)),
        ("coverage", f"{summary.coverage_percent:.1f} %"),
        ("revision", str(summary.revision)),
        ("warnings", Text("\n".join(summary.warnings), style="yellow") if summary.warnings else ""),
        ("advice", _ADVICE.get(summary.advice, "")),
    ]


def _offsets(offsets: Iterable[OffsetCorrelation]) -> RenderableType:
    strongest = sorted(offsets, key=lambda each: -abs(each.correlation))
    if not strongest:
        return Text()
    shown = table(
        "slice",
        "y",
        "x",
        "correlation",
        "certainty",
        "",
        right=["slice", "y", "x", "correlation", "certainty"],
        rows=(
            (
                f"{each.slice_offset:+d}" if each.slice_offset else "0",
                f"{each.y:+d}" if each.y else "0",
                f"{each.x:+d}" if each.x else "0",
                f"{each.correlation:+.3f}",
                f"{each.certainty:.1f} σ",
                "in the mask" if each.active else "",
            )
            for each in strongest[:_SHOWN_OFFSETS]
        ),
    )
    left = len(strongest) - _SHOWN_OFFSETS
    more = Text(f"and {left} weaker offsets (all of them with --json)" if left > 0 else "", style="dim")
    return Group(Text("How strongly the noise at an offset goes with the noise at the centre:"), shown, more)
