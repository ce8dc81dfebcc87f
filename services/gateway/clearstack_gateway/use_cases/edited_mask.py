"""A mask that a person has edited."""

import hashlib
import io

import numpy as np
from clearstack.v1 import mask_pb2
from clearstack.v1.mask_pb2 import Mask, MaskPlane, OffsetCorrelation
from clearstack.v1.mask_service_pb2 import ApproveMaskRequest
from clearstack_common.errors import InvalidFieldsError

_LARGEST_SIDE_PX = 129


def edited_mask(extracted: Mask, request: ApproveMaskRequest) -> Mask:
    """The extracted mask with the request's planes in place of its own.

    Raises:
        InvalidFieldsError: The planes do not fit together or to the extracted mask.
    """
    height, width = request.kernel_height, request.kernel_width
    _check(extracted, request)
    mask = Mask(summary=extracted.summary)
    for old, plane in zip(extracted.planes, request.edited_planes, strict=True):
        active = list(plane.active)
        if old.slice_offset == 0:
            active[(height // 2) * width + width // 2] = True
        count = sum(active)
        mask.planes.append(
            MaskPlane(
                slice_offset=old.slice_offset,
                active=active,
                active_pixel_count=count,
                coverage_percent=100 * count / (height * width),
            )
        )
    _summarise(mask, height, width)
    mask.offsets.extend(_offsets(extracted, mask))
    return mask


def _check(extracted: Mask, request: ApproveMaskRequest) -> None:
    violations = []
    for name in ("kernel_height", "kernel_width"):
        side = getattr(request, name)
        if side % 2 == 0 or not 1 <= side <= _LARGEST_SIDE_PX:
            violations.append((name, f"is {side}; must be odd, 1 to {_LARGEST_SIDE_PX}"))
    if len(request.edited_planes) != len(extracted.planes):
        violations.append(
            ("edited_planes", f"has {len(request.edited_planes)}; needed: {len(extracted.planes)}")
        )
    size = request.kernel_height * request.kernel_width
    violations += [
        (f"edited_planes[{index}].active", f"has {len(plane.active)} values; height × width is {size}")
        for index, plane in enumerate(request.edited_planes)
        if len(plane.active) != size
    ]
    if violations:
        raise InvalidFieldsError(violations)


def _summarise(mask: Mask, height: int, width: int) -> None:
    summary = mask.summary
    summary.kernel_height, summary.kernel_width = height, width
    summary.active_pixel_count = sum(plane.active_pixel_count for plane in mask.planes)
    summary.coverage_percent = 100 * summary.active_pixel_count / (height * width * len(mask.planes))
    summary.message = f"Edited by hand: {summary.active_pixel_count} active pixels."
    summary.advice = mask_pb2.REVIEW_ADVICE_APPROVE
    del summary.warnings[:]


def _offsets(extracted: Mask, edited: Mask) -> list[OffsetCorrelation]:
    """What was measured, with what the edit says of each offset."""
    half_height, half_width = edited.summary.kernel_height // 2, edited.summary.kernel_width // 2
    active = {
        (
            plane.slice_offset,
            index // (2 * half_width + 1) - half_height,
            index % (2 * half_width + 1) - half_width,
        )
        for plane in edited.planes
        for index, is_active in enumerate(plane.active)
        if is_active
    }
    offsets = []
    for measured in extracted.offsets:
        offset = OffsetCorrelation()
        offset.CopyFrom(measured)
        offset.active = (measured.slice_offset, measured.y, measured.x) in active
        offsets.append(offset)
    return offsets


def mask_array(mask: Mask) -> bytes:
    """The mask as a .npy file: bool, (planes, height, width)."""
    shape = (len(mask.planes), mask.summary.kernel_height, mask.summary.kernel_width)
    mask_ZYX = np.array([plane.active for plane in mask.planes], dtype=np.bool_).reshape(shape)
    file = io.BytesIO()
    np.save(file, mask_ZYX, allow_pickle=False)
    return file.getvalue()


def request_digest(request: ApproveMaskRequest) -> str:
    """A short name for the content of an edit."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:12]
