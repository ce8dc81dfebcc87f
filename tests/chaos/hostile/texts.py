"""Descriptions that lie about their pixels or are made to choke their reader: ImageJ's, OME's, and those of vendors."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import tifffile
from chaos.hostile.case import Case
from chaos.hostile.tiff_bytes import KINDS, PIXELS, SIDE_PX, Page, Tag, TiffKind, number, plain_page, text

_HUGE: Final = 2_000_000_000
_LAUGHS: Final = (
    "<!DOCTYPE OME [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]><OME><Image><Description>&a11;</Description></Image></OME>"
)
_QUADRATIC: Final = f"<!DOCTYPE OME [<!ENTITY a '{'x' * 50_000}'>]><OME>{'&a;' * 50_000}</OME>"
_OUTSIDE: Final = (
    "<!DOCTYPE OME [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><OME><Image Name='x'>&a;</Image></OME>"
)
_FETCHED: Final = "<!DOCTYPE OME SYSTEM 'http://127.0.0.1:9/evil.dtd'><OME></OME>"


def cases() -> list[Case]:
    """All of them."""
    found = [
        Case(family="imagej", name=f"{name}, {kind}", build=partial(_described, tiff, content, 1))
        for name, content in _imagej().items()
        for kind, tiff in KINDS.items()
    ]
    found += [
        Case(family="ome", name=f"{name}, {kind}", build=partial(_described, tiff, content.encode(), 1))
        for name, content in _ome().items()
        for kind, tiff in KINDS.items()
    ]
    found += [
        Case(
            family="shaped", name=name, build=partial(_described, TiffKind(), json.dumps(fields).encode(), 1)
        )
        for name, fields in _shaped().items()
    ]
    found += [
        Case(family="vendors", name=name, build=build, must_be_refused=False)
        for name, build in _vendors().items()
    ]
    return found


def _described(tiff: TiffKind, content: bytes, num_pages: int) -> bytes:
    page = plain_page(tiff.head_bytes)
    return tiff.assemble([page.having(text(content)), *[page] * (num_pages - 1)])


def _imagej() -> dict[str, bytes]:
    lines = {
        "two billion images": f"images={_HUGE}",
        "two billion slices": f"images={_HUGE}\nslices={_HUGE}",
        "slices of 2**80": f"images={2**80}\nslices={2**80}\nhyperstack=true",
        "a million of each axis": "images=1000000\nslices=1000000\nchannels=1000000\nframes=1000000\nhyperstack=true",
        "five channels": "images=5\nchannels=5\nhyperstack=true",
        "two frames": "images=2\nframes=2\nhyperstack=true",
        "negative slices and 7 images": "images=7\nslices=-7",
        "slices of 5,000 digits": "images=" + "9" * 5000,
        "9 slices in one page": "images=9\nslices=9\nhyperstack=true",
    }
    return {name: f"ImageJ=1.54f\n{content}\n".encode() for name, content in lines.items()}


def _ome() -> dict[str, str]:
    """OME-XML that is no description of the one page in the file."""

    def pixels(inside: str = "", **sizes: object) -> str:
        fields: dict[str, object] = {
            "ID": "P:0", "DimensionOrder": "XYZCT", "Type": "uint8", "SizeX": SIDE_PX, "SizeY": SIDE_PX, "SizeZ": 1,
            "SizeC": 1, "SizeT": 1, **sizes,
        }  # fmt: skip
        given = " ".join(f'{name}="{value}"' for name, value in fields.items())
        return f"<Pixels {given}>{inside or '<TiffData/>'}</Pixels>"

    def ome(inside: str) -> str:
        return f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="I:0">{inside}</Image></OME>'

    return {
        "billion laughs": _LAUGHS,
        "quadratic entities": _QUADRATIC,
        "a file from outside": _OUTSIDE,
        "a document type from the network": _FETCHED,
        "no end": ome(pixels())[:-20] + "<",
        "100,000 levels": "<OME>" * 100_000 + "</OME>" * 100_000,
        "10 MB of description": ome(f"<Description>{'x' * 10_000_000}</Description>" + pixels(SizeZ=3)),
        "200,000 planes": ome(pixels('<TiffData IFD="0"/>' * 200_000, SizeZ=200_000)),
        "two billion slices": ome(pixels(SizeZ=_HUGE)),
        "two billion of each axis": ome(pixels(SizeZ=_HUGE, SizeC=_HUGE, SizeT=_HUGE)),
        "slices of 5,000 digits": ome(pixels(SizeZ="9" * 5000)),
        "negative slices": ome(pixels(SizeZ=-5)),
        "slices that are NaN": ome(pixels(SizeZ="NaN")),
        "other pixels than there are": ome(pixels(SizeX=100_000, SizeY=100_000)),
        "three channels": ome(pixels(SizeC=3)),
        "a plane of two billion": ome(pixels(f'<TiffData IFD="{_HUGE}" PlaneCount="{_HUGE}"/>', SizeZ=4)),
        "a negative plane": ome(pixels('<TiffData IFD="-3" FirstZ="-9"/>', SizeZ=2)),
        "another file": ome(pixels('<TiffData><UUID FileName="/etc/passwd">urn:x</UUID></TiffData>', SizeZ=2)),
        "two other files": ome(
            pixels("".join(f'<TiffData><UUID FileName="{n}">urn:{n}</UUID></TiffData>' for n in "ab"))
        ),
        "a thousand images": f"<OME>{('<Image>' + pixels() + '</Image>') * 1000}</OME>",
        "metadata only": ome(pixels("<MetadataOnly/>", SizeZ=0)),
        "100,000 attributes": ome("<Description " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>" + pixels(SizeZ=2)),
    }  # fmt: skip


def _shaped() -> dict[str, dict[str, object]]:
    """Tifffile's own JSON."""
    return {
        "two billion slices": {"shape": [_HUGE, SIDE_PX, SIDE_PX], "truncated": True},
        "seventy axes": {"shape": [2] * 70 + [SIDE_PX, SIDE_PX], "truncated": True},
        "three slices": {"shape": [3, SIDE_PX, SIDE_PX], "truncated": True},
        "floats": {"shape": [1e300, SIDE_PX, SIDE_PX], "truncated": True},
        "channels": {"shape": [2, 2, SIDE_PX, SIDE_PX], "axes": "CZYX", "truncated": True},
    }


def _vendors() -> dict[str, Callable[[], bytes]]:
    """Tags by which a reader takes a file for that of a vendor, with noise inside; it may be read as a plain page."""
    codes = {
        "lsm": 34412, "stk": 33628, "metamorph": 33629, "fluoview": 34361, "fluoview data": 34362, "nih": 43314, "fei": 34682,
        "sem": 34118, "tvips": 37706, "sis": 33560, "ndpi": 65420, "eer": 65001, "andor": 4864, "gel": 33445, "micromanager": 51123,
        "imagej": 50839, "geotiff": 34735, "pixel scale": 33550, "gdal": 42112, "xmp": 700, "exif": 34665, "gps": 34853,
        "icc": 34675, "iptc": 33723, "photoshop": 34377, "dng": 50706, "lerc": 50674,
    }  # fmt: skip
    texts = {
        "svs": b"Aperio Image Library v99\n32x32 [0,0 32x32]|AppMag = 2000000000|MPP = NaN",
        "scanimage": b"state.configPath = ''\nscanimage.SI.x = [1e999",
        "metaseries": b"<MetaData><PlaneInfo><prop id='x' value='NaN'/></PlaneInfo></MetaData>",
        "philips": b"<?xml version='1.0'?><DataObject ObjectType='DPUfsImport'>" + b"<Attribute>" * 5000,
        "scn": b"<?xml version='1.0'?><scn xmlns='http://www.leica-microsystems.com/scn/2010/10/01'>" + b"<a>" * 5000,
        "bif": b"iScan <?xml version='1.0'?><Metadata><iScan Magnification='x'>",
        "indica": b"<?xml version='1.0'?><indica><image><pixels>",
        "qpi": b"<?xml version='1.0' encoding='utf-16'?><PerkinElmer-QPI-ImageDescription>",
        "stk text": b"MetaMorph\0" * 400,
        "pilatus": b"# Pixel_size NaN m x inf m\n# Exposure_time 1e999 s",
        "astrotiff": b"SIMPLE  =  T\nNAXIS = 2000000000\nEND",
        "streak": b"[Application],Date=x,ScalingXScale=NaN",
        "avs": b"<?xml version='1.0'?>" + b"<AVS>" * 5000,
    }  # fmt: skip
    noise = np.random.default_rng(9).bytes(4000)
    pages = {name: _page(Tag(code=code, kind=7, values=noise)) for name, code in codes.items()}
    pages |= {
        f"{name} as numbers": _page(number(code, *np.random.default_rng(code).integers(0, 2**32, 600)))
        for name, code in codes.items()
    }
    pages |= {
        f"{name} as nothing": _page(number(code, 5, count=_HUGE, at=_HUGE)) for name, code in codes.items()
    }
    pages |= {name: _page(text(content)) for name, content in texts.items()}
    return {name: partial(TiffKind().assemble, [page] * 2, PIXELS * 2) for name, page in pages.items()} | {
        "imagej metadata": _imagej_metadata
    }


def _page(tag: Tag) -> Page:
    return plain_page(8).having(tag)


def _imagej_metadata() -> bytes:
    """ImageJ's own tags with lengths that don't fit."""
    file = io.BytesIO()
    stack_ZYX = np.random.default_rng(2).integers(0, 255, (3, 32, 32)).astype(np.uint8)
    tifffile.imwrite(
        file, stack_ZYX, imagej=True, metadata={"axes": "ZYX", "Labels": ["a", "b", "c"], "Info": "x" * 100}
    )
    return file.getvalue().replace(b"labl", b"rois").replace(b"IJIJ", b"JIJI")
