"""Lists of pages that go in circles, overlap, leave the file or have no end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from itertools import accumulate

from chaos.hostile.case import Case
from chaos.hostile.tiff_bytes import (
    COUNTS,
    DEPTH,
    HEIGHT,
    KINDS,
    LONG,
    OFFSETS,
    PIXELS,
    SHORT,
    SUB_IFDS,
    WIDTH,
    Page,
    TiffKind,
    number,
    plain_page,
    text,
)

_FAR = 2**31 - 1
# Pages below pages are smaller copies of the image, which nobody reads here.
_NOT_FOLLOWED = ("a page below itself", "pages below pages in a circle", "a page below itself 50,000 times")


def cases() -> list[Case]:
    """All of them, in both byte orders and both sizes of offsets."""
    return [
        Case(
            family="chains",
            name=f"{name}, {kind}",
            build=partial(build, tiff),
            must_be_refused=name not in _NOT_FOLLOWED,
        )
        for name, build in _BUILDERS.items()
        for kind, tiff in KINDS.items()
    ]


def _first(tiff: TiffKind) -> int:
    return tiff.head_bytes + len(PIXELS)


def _page(tiff: TiffKind) -> Page:
    return plain_page(tiff.head_bytes)


def _starts(tiff: TiffKind, pages: list[Page]) -> list[int]:
    """Where each page begins."""
    empty = len(tiff.assemble([]))
    sizes = [len(tiff.assemble([page])) - empty for page in pages]
    return list(accumulate(sizes, initial=_first(tiff)))[:-1]


def _pointing(tiff: TiffKind, num_pages: int, last: int) -> bytes:
    """A chain whose last page points at page `last`."""
    pages = [_page(tiff)] * num_pages
    starts = _starts(tiff, pages)
    return tiff.assemble([*pages[:-1], Page(tags=pages[-1].tags, following=starts[last])])


def _beyond(tiff: TiffKind, offset: int) -> bytes:
    return tiff.assemble([_page(tiff), Page(tags=_page(tiff).tags, following=offset)])


def _first_at(tiff: TiffKind, offset: int) -> bytes:
    content = tiff.assemble([_page(tiff)])
    place = 8 if tiff.big else 4
    form = tiff.order + ("Q" if tiff.big else "I")
    return content[:place] + struct.pack(form, offset) + content[tiff.head_bytes :]


def _num_tags(tiff: TiffKind, num_tags: int) -> bytes:
    return tiff.assemble([Page(tags=_page(tiff).tags, num_tags=num_tags)])


def _overlapping(tiff: TiffKind) -> bytes:
    """A thousand lists of a thousand tags each, one every eight bytes: together far longer than their file."""
    size = 2 + 1000 * 12
    body = bytearray(struct.pack(tiff.order + "HHHH", 1000, 0, 0, 0) * 2500)
    for start in range(0, 8000, 8):
        struct.pack_into(tiff.order + "I", body, start + size, 8 + start + 8)
    return (b"II*\0" if tiff.order == "<" else b"MM\0*") + struct.pack(tiff.order + "I", 8) + bytes(body)


def _nested(tiff: TiffKind, num_levels: int) -> bytes:
    """Pages below pages; the last points back at the first."""
    page = _page(tiff).having(number(SUB_IFDS, 0))
    pages = [page] * num_levels
    starts = _starts(tiff, pages)
    targets = [*starts[1:], starts[0]]
    linked = [Page(tags=page.having(number(SUB_IFDS, target)).tags, following=0) for target in targets]
    return tiff.assemble(linked)


def _many_below(tiff: TiffKind) -> bytes:
    """A page that names itself as the page below it, a million times."""
    return tiff.assemble([_page(tiff).having(number(SUB_IFDS, *[_first(tiff)] * 50_000, count=2**30))])


def _many_pages(tiff: TiffKind, num_pages: int) -> bytes:
    """Pages that all show the same pixels."""
    return tiff.assemble([_page(tiff)] * num_pages)


def _many_empty(tiff: TiffKind) -> bytes:
    """Pages without any tag: four bytes each."""
    return tiff.assemble([Page()] * 50_000)


def _differing(tiff: TiffKind) -> bytes:
    pages = [plain_page(tiff.head_bytes, side_px=side) for side in (32, 16, 24)]
    return tiff.assemble(pages)


_BUILDERS: dict[str, Callable[[TiffKind], bytes]] = {
    "points at itself": lambda tiff: _pointing(tiff, 1, 0),
    "150 pages that point back": lambda tiff: _pointing(tiff, 150, 0),
    "150 pages, the last points at page 75": lambda tiff: _pointing(tiff, 150, 75),
    "two pages in a circle": lambda tiff: _pointing(tiff, 2, 1),
    "5,000 pages that point back": lambda tiff: _pointing(tiff, 5000, 0),
    "next page beyond the file": lambda tiff: _beyond(tiff, 10**6),
    "next page beyond all files": lambda tiff: _beyond(tiff, 2**63 + 5 if tiff.big else 2**32 - 1),
    "next page in the header": lambda tiff: _beyond(tiff, 2),
    "next page in the pixels": lambda tiff: _beyond(tiff, tiff.head_bytes + 1),
    "first page beyond the file": lambda tiff: _first_at(tiff, _FAR),
    "first page at the end": lambda tiff: _first_at(tiff, len(tiff.assemble([_page(tiff)])) - 1),
    "first page in the header": lambda tiff: _first_at(tiff, 1),
    "no page": lambda tiff: _first_at(tiff, 0),
    "no tags": lambda tiff: tiff.assemble([Page()]),
    "65,535 tags claimed": lambda tiff: _num_tags(tiff, 65_535),
    "4,000 tags claimed": lambda tiff: _num_tags(tiff, 4000),
    "2**60 tags claimed": lambda tiff: _num_tags(tiff, 2**60 + 4097),
    "overlapping lists": _overlapping,
    "a page below itself": lambda tiff: _nested(tiff, 1),
    "pages below pages in a circle": lambda tiff: _nested(tiff, 30),
    "a page below itself 50,000 times": _many_below,
    "50,000 pages of the same pixels": lambda tiff: _many_pages(tiff, 50_000),
    "3,000 pages of the same pixels": lambda tiff: _many_pages(tiff, 3000),
    "50,000 empty pages": _many_empty,
    "pages of three sizes": _differing,
    "thumbnails only": lambda tiff: tiff.assemble([_page(tiff).having(number(254, 1))] * 3),
    "a volume of 2**31 slices": lambda tiff: tiff.assemble([_page(tiff).having(number(DEPTH, _FAR))]),
    "a thousand descriptions": lambda tiff: tiff.assemble(
        [Page(tags={code: text(b"x" * 2000, code) for code in range(40_000, 43_000)})]
    ),
    "no strips, a width": lambda tiff: tiff.assemble([_page(tiff).without(OFFSETS, COUNTS)]),
    "width as 0 values": lambda tiff: tiff.assemble(
        [_page(tiff).having(number(WIDTH, 32, kind=SHORT, count=0))]
    ),
    "height as 2**31 values": lambda tiff: tiff.assemble(
        [_page(tiff).having(number(HEIGHT, 0, kind=LONG, count=_FAR, at=_FAR))]
    ),
}
