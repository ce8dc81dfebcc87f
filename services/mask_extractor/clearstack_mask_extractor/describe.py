"""The extracted mask in the words of the API, with advice for the review."""

from clearstack.v1 import mask_pb2
from clearstack.v1.mask_pb2 import Mask, MaskPattern, MaskPlane, MaskSummary, OffsetCorrelation, ReviewAdvice
from clearstack_engine.analysis import ExtractedMask

_MANY_OFFSETS = 200


def describe(extracted: ExtractedMask, revision: int) -> Mask:
    """The mask as a message.

    Args:
        extracted: What the engine found.
        revision: Counts the extractions of the training; from 1.
    """
    height, width = extracted.kernel_size
    num_planes = len(extracted.mask_ZYX)
    summary = MaskSummary(
        revision=revision,
        pattern=MaskPattern.Value(f"MASK_PATTERN_{extracted.pattern.upper()}"),
        kernel_height=height,
        kernel_width=width,
        active_pixel_count=extracted.num_active_pixels,
        coverage_percent=extracted.coverage_percent,
        message=_message(extracted),
        warnings=extracted.warnings,
        advice=_advice(extracted),
    )
    planes = [
        MaskPlane(
            slice_offset=index - num_planes // 2,
            active=[bool(pixel) for pixel in mask_YX.ravel()],
            active_pixel_count=int(mask_YX.sum()),
            coverage_percent=100 * float(mask_YX.mean()),
        )
        for index, mask_YX in enumerate(extracted.mask_ZYX)
    ]
    return Mask(summary=summary, planes=planes, offsets=_offsets(extracted))


def _offsets(extracted: ExtractedMask) -> list[OffsetCorrelation]:
    depth, half_height, half_width = (side // 2 for side in extracted.mask_ZYX.shape)

    def is_active(dz: int, dy: int, dx: int) -> bool:
        inside = abs(dz) <= depth and abs(dy) <= half_height and abs(dx) <= half_width
        return inside and bool(extracted.mask_ZYX[dz + depth, dy + half_height, dx + half_width])

    return [
        OffsetCorrelation(
            slice_offset=offset.dz,
            y=offset.dy,
            x=offset.dx,
            correlation=offset.correlation,
            certainty=offset.certainty,
            active=is_active(offset.dz, offset.dy, offset.dx),
        )
        for offset in extracted.offsets[:_MANY_OFFSETS]
    ]


def _message(extracted: ExtractedMask) -> str:
    if extracted.is_empty:
        return "No structured noise detected"
    return f"Structured noise: {extracted.pattern}, {extracted.num_active_pixels} active pixels"


def _advice(extracted: ExtractedMask) -> "ReviewAdvice.ValueType":
    if extracted.is_empty:
        return mask_pb2.REVIEW_ADVICE_SKIP_STAGE_TWO
    return mask_pb2.REVIEW_ADVICE_REGENERATE if extracted.warnings else mask_pb2.REVIEW_ADVICE_APPROVE
