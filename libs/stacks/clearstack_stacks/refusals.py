"""Refuses by the heads alone: size, colour, dtype, pages that differ. No pixel is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clearstack_stacks.errors import (
    EMPTY,
    TOO_LARGE,
    TOO_SMALL,
    UNSUPPORTED_AXES,
    UNSUPPORTED_DTYPE,
    StackRefused,
)

if TYPE_CHECKING:
    from clearstack_stacks.heads import PageHead
    from clearstack_stacks.limits import Limits

_COLOURS: Final = {
    2: "RGB",
    5: "CMYK",
    6: "YCbCr",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "colour filter array (Bayer)",
}
_PALETTE: Final = 3
_MASK: Final = 4
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_COMPLEX: Final = {5: "complex integer", 6: "complex"}
_ACCEPTED_BITS: Final = {
    _UNSIGNED: range(2, 33),
    _SIGNED: range(9, 33),
    _FLOAT: (16, 24, 32, 64),
}
_ACCEPTED_TEXT: Final = (
    "Clearstack takes grayscale stacks of uint8, uint16 and float32 (and int16, int32, uint32, float16, "
    "float64 where no value is changed by float32)"
)


def check_heads(heads: list[PageHead], limits: Limits, *, file_bytes: int) -> None:
    """Refuse what no page head can make good.

    Raises:
        StackRefused: EMPTY, TOO_SMALL, TOO_LARGE, UNSUPPORTED_AXES or UNSUPPORTED_DTYPE.
    """
    images = [head for head in heads if head.is_image]
    if not images:
        raise StackRefused(
            EMPTY,
            "The TIFF holds thumbnails or masks only, no image. Export the image itself, at full resolution.",
        )
    first = images[0]
    _check_colour(first)
    _check_dtype(first)
    _check_equal(images)
    check_size(first.height, first.width, limits)
    check_amount(
        num_slices=sum(head.depth for head in images),
        decoded_bytes=sum(head.decoded_bytes for head in images),
        file_bytes=file_bytes,
        limits=limits,
    )


def check_size(height: int, width: int, limits: Limits) -> None:
    """Refuse a slice of no pixels, too few or too many.

    Raises:
        StackRefused: EMPTY, TOO_SMALL or TOO_LARGE.
    """
    found = f"{width:,} x {height:,} pixels"
    if height * width == 0:
        raise StackRefused(EMPTY, f"The slices have no pixels ({found}). Save the stack again.")
    if min(height, width) < limits.min_side_px:
        raise StackRefused(
            TOO_SMALL,
            f"A slice has {found}; {limits.min_side_px} x {limits.min_side_px} is the smallest patch that a network "
            "can learn from. Use an uncropped stack.",
        )
    if height * width > limits.max_pixels_per_slice:
        raise StackRefused(
            TOO_LARGE,
            f"A slice claims {found}, more than the {limits.max_pixels_per_slice:,} pixels allowed here. Crop it into "
            "tiles (Fiji: Image > Crop), or ask whoever runs this installation to raise the limit.",
        )


def check_amount(*, num_slices: int, decoded_bytes: int, file_bytes: int, limits: Limits) -> None:
    """Refuse a stack that is out of proportion, to the limits or to its file.

    Raises:
        StackRefused: TOO_LARGE.
    """
    if num_slices > limits.max_slices:
        raise _too_large(f"The stack has {num_slices:,} slices; {limits.max_slices:,} are allowed here")
    if decoded_bytes > limits.max_decoded_bytes:
        raise _too_large(
            f"The stack claims {decoded_bytes:,} bytes of pixels; {limits.max_decoded_bytes:,} are allowed here"
        )
    if decoded_bytes <= limits.ratio_floor_bytes:
        return
    if decoded_bytes > limits.max_compression_ratio * file_bytes:
        raise StackRefused(
            TOO_LARGE,
            f"The file of {file_bytes:,} bytes claims to hold {decoded_bytes:,} bytes of pixels, which no real image "
            "does. Save it again without compression (Fiji: File > Save As > Tiff...).",
        )


def too_much_memory() -> StackRefused:
    """The refusal of a file whose pages do not fit into memory."""
    return StackRefused(
        TOO_LARGE,
        "Reading the file needs more memory than there is. Crop the slices (Fiji: Image > Crop), or ask whoever runs this "
        "installation to raise the limit.",
    )


def _too_large(found: str) -> StackRefused:
    """The refusal of a stack beyond a limit."""
    return StackRefused(
        TOO_LARGE, f"{found}. Split the stack, or ask whoever runs this installation to raise the limit."
    )


def _check_colour(head: PageHead) -> None:
    """Refuse colour, palettes and several samples a pixel."""
    colour = _COLOURS.get(head.photometric)
    if colour or head.num_samples > 1:
        kind = colour or "several channels in one page"
        raise StackRefused(
            UNSUPPORTED_AXES,
            f"The pages have axes YXS with {head.num_samples} samples a pixel ({kind}); Clearstack denoises one grayscale "
            "channel at a time. In Fiji: Image > Color > Split Channels, then save the channel you want.",
        )
    if head.photometric == _PALETTE:
        raise StackRefused(
            UNSUPPORTED_AXES,
            "The pages have axes YX and a colour palette (a lookup table), so that pixel values may be colour numbers. "
            "In Fiji: Image > Lookup Tables > Grays, then save again; for a true-colour picture, Image > Type > RGB Color "
            "and Image > Color > Split Channels.",
        )
    if head.photometric == _MASK:
        raise StackRefused(
            UNSUPPORTED_AXES,
            "The pages have axes YX and are masks, not images. Save the image itself.",
        )


def _check_dtype(head: PageHead) -> None:
    """Refuse complex, one-bit and exotic pixels."""
    if head.sample_format in _COMPLEX:
        raise StackRefused(
            UNSUPPORTED_AXES,
            f"The pixels are {_COMPLEX[head.sample_format]} numbers of {head.bits} bits (axes YX); a noise model needs real "
            "ones. Export magnitude, or real and imaginary part, each as a float32 stack of its own.",
        )
    if head.bits not in _ACCEPTED_BITS.get(head.sample_format, ()):
        kinds = {_UNSIGNED: "unsigned integers", _SIGNED: "signed integers", _FLOAT: "floating point numbers"}
        kind = kinds.get(head.sample_format, "numbers of an unknown kind")
        raise StackRefused(
            UNSUPPORTED_DTYPE,
            f"The pixels are {head.bits}-bit {kind}. {_ACCEPTED_TEXT}. In Fiji: Image > Type > 16-bit or 32-bit.",
        )


def _check_equal(images: list[PageHead]) -> None:
    """Refuse pages that can't be slices of one stack."""
    first = images[0]
    for number, head in enumerate(images, start=1):
        if (head.width, head.height, head.depth) != (first.width, first.height, first.depth):
            raise StackRefused(
                UNSUPPORTED_AXES,
                f"The pages differ in size: page 1 has {first.width} x {first.height} pixels, page {number} has "
                f"{head.width} x {head.height}. Save the pages of one size as a stack of their own "
                "(Fiji: Image > Duplicate...).",
            )
        if (head.bits, head.sample_format, head.num_samples, head.photometric) != (
            first.bits,
            first.sample_format,
            first.num_samples,
            first.photometric,
        ):
            raise StackRefused(
                UNSUPPORTED_AXES,
                f"The pages differ in pixel type: page 1 has {first.bits} bits, page {number} has {head.bits}, or another "
                "kind of numbers or colours. Convert them all to one type (Fiji: Image > Type) and save again.",
            )
