"""Packages of bioimage.io that are made to harm, and good models with masks that are.

The import takes no such package, only what an export of ours holds: nothing in `rdf.yaml` is looked at, and the
TorchScript in it, which is code, is never run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from chaos.hostile.case import Case
from chaos.hostile.configs import CARD
from chaos.hostile.packages import packed
from chaos.hostile.pickles import RUNS_CODE
from clearstack_engine.network.unet import Architecture, UNet

_RDF: Final[dict[str, Any]] = {
    "type": "model",
    "format_version": "0.5.3",
    "name": "x",
    "weights": {"torchscript": {"source": "weights.pt", "pytorch_version": "2.0"}},
}


def cases() -> list[Case]:
    """All of them."""
    packages = [
        Case(family="bioimageio", name=name, build=partial(_package, rdf)) for name, rdf in _rdfs().items()
    ]
    weights = [
        Case(family="bioimageio", name=f"{name} for weights", build=partial(_with_weights, content))
        for name, content in _weights().items()
    ]
    masks = [
        Case(family="mask", name=name, build=partial(_with_mask, file_name, content))
        for name, (file_name, content) in _masks().items()
    ]
    return packages + weights + masks


def harmless() -> Case:
    """The model with a mask as it should be: what is refused of the others is what was changed."""
    build = partial(_with_mask, "mask.npy", lambda: _saved(np.ones((3, 3), bool)))
    return Case(family="mask", name="as it should be", build=build, must_be_refused=False)


def _rdfs() -> dict[str, bytes]:
    elsewhere = (
        "../../../etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1:9/weights.pt",
        "\0",
        "x" * 100_000,
    )
    found = {f"weights at {source[:30]!r}": _rdf_with_source(source) for source in elsewhere}
    return found | {
        "as others write it": json.dumps(_RDF).encode(),
        "YAML that makes objects": b"!!python/object/apply:os.system ['true']",
        "YAML aliases": b"a: &a [x,x]\n" + b"".join(b"b%d: &b%d [*a,*a]\n" % (n, n) for n in range(1000)),
        "100,000 levels": b"[" * 100_000,
        "weights of 2**63 bytes": json.dumps({**_RDF, "size": 2**63}).encode(),
    }  # fmt: skip


def _rdf_with_source(source: str) -> bytes:
    return json.dumps({**_RDF, "weights": {"torchscript": {"source": source}}}).encode()


def _weights() -> dict[str, Callable[[], bytes]]:
    return {
        "TorchScript": _script,
        "TorchScript with code in its constants": _script_with_pickle,
        "an HDF5 of Keras": lambda: b"\x89HDF\r\n\x1a\n" + bytes(2000),
        "an ONNX": lambda: b"\x08\x08\x12\x07pytorch" + bytes(2000),
    }


def _masks() -> dict[str, tuple[str, Callable[[], bytes]]]:
    return {
        "Python objects": ("mask.npy", lambda: _saved(np.array([[print]], dtype=object))),
        "a pickle": ("mask.npy", partial(bytes, RUNS_CODE)),
        "2**40 pixels claimed": ("mask.npy", partial(_npy, (2**20, 2**20))),
        "negative sides": ("mask.npy", partial(_npy, (-3, -3))),
        "seventy axes": ("mask.npy", partial(_npy, (1,) * 70)),
        "even sides": ("mask.npy", lambda: _saved(np.ones((4, 4), bool))),
        "NaN": ("mask.npy", lambda: _saved(np.full((3, 3), np.nan))),
        "a head of 2**32 bytes": ("mask.npy", lambda: b"\x93NUMPY\x02\0" + b"\xff" * 4 + b"{}"),
        "an archive of arrays": ("mask.npy", lambda: packed({"a.npy": b"x"})),
        "100,000 levels": ("mask.json", lambda: b"[" * 100_000),
        "2**40 pixels described": (
            "mask.json",
            lambda: b'{"summary":{"kernel_height":1048576,"kernel_width":1048576},"planes":[{}]}',
        ),
    }


def _package(rdf: bytes) -> bytes:
    return packed({"rdf.yaml": rdf, "weights.pt": _script(), "model.json": json.dumps(CARD).encode()})


def _with_weights(content: Callable[[], bytes]) -> bytes:
    return packed({"config.json": json.dumps(CARD).encode(), "stage1/weights.pth": content()})


def _with_mask(name: str, content: Callable[[], bytes]) -> bytes:
    """A model that is good but for its mask."""
    file = io.BytesIO()
    torch.save(UNet(Architecture(**CARD["architecture"])).state_dict(), file)
    return packed(
        {
            "config.json": json.dumps(CARD).encode(),
            "stage1/weights.pth": file.getvalue(),
            f"mask/{name}": content(),
        }
    )


def _script() -> bytes:
    file = io.BytesIO()
    script = torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2))  # type: ignore[no-untyped-call]
    torch.jit.save(script, file)
    return file.getvalue()


def _script_with_pickle() -> bytes:
    file = io.BytesIO(_script())
    with zipfile.ZipFile(file) as script:
        files = {info.filename: script.read(info) for info in script.infolist()}
    constants = next(name for name in files if name.endswith("constants.pkl"))
    return packed({**files, constants: RUNS_CODE})


def _saved(mask: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, mask)
    return file.getvalue()


def _npy(shape: tuple[int, ...]) -> bytes:
    """An array of nine bytes that claims another shape."""
    head = repr({"descr": "|b1", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head + b"\1" * 9
