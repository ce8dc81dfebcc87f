"""Configurations that lie about their networks or are made to choke their reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from chaos.hostile.case import Case

_ARCHITECTURE: Final = {
    "num_features": 8, "num_layers": 2, "num_input_slices": 1, "resize_convolution": True, "upsampling": "bilinear",
}  # fmt: skip
# Of a network that an import takes.
CARD: Final[dict[str, Any]] = {
    "format_version": 1,
    "architecture": _ARCHITECTURE,
    "normalisation": {"mean": 0.0, "std": 1.0},
    "stage": "single",
    "symmetries": [{"num_turns": 0, "flip": False}],
}
_ODD: Final[tuple[Any, ...]] = (-1, 0, 10**9, 2**64, 1e308, "8", None, [], {}, True, 2.5)

_MEANS_AND_STDS: Final[tuple[tuple[Any, Any], ...]] = ((0, 0), (0, -1), ("a", "b"), (None, None), ([], {}))
_OTHERS: Final[tuple[Any, ...]] = (None, 7, "text", [[]])
_STAGES: Final[tuple[Any, ...]] = (
    None, 7, [], [{}], [{"number": 3, "model": {}}], [{"number": 1, "model": 7}], [{"number": 1}] * 10_000,
)  # fmt: skip


def cases() -> list[Case]:
    """All of them, to lie beside good weights of another network."""
    return [Case(family="config", name=name, build=build) for name, build in _texts().items()] + [
        Case(family="card", name=name, build=partial(_encoded, fields)) for name, fields in _cards().items()
    ]


def _encoded(fields: object) -> bytes:
    return json.dumps(fields).encode()


def _cards() -> dict[str, object]:
    """A model.json, or a configuration of the reference, with one thing that cannot be."""
    found: dict[str, object] = {}
    for key in ("num_features", "num_layers", "num_input_slices"):
        for value in _ODD:
            found[f"{key} is {value!r}"] = {**CARD, "architecture": {**_ARCHITECTURE, key: value}}
    for mean, std in _MEANS_AND_STDS:
        name = f"mean {mean!r}, std {str(std)[:20]}"
        found[name] = {**CARD, "normalisation": {"mean": mean, "std": std}}
    for key in ("architecture", "normalisation", "symmetries", "format_version", "stage"):
        for odd in _OTHERS:
            found[f"{key} is {odd!r}"] = {**CARD, key: odd}
    for key in ("features", "num_layers", "patch_size", "overlap_tile_pad"):
        for value in _ODD[:8]:
            found[f"reference {key} is {value!r}"] = {"features": 8, "num_layers": 2, key: value}
    described = {
        "format": "clearstack-model",
        "format_version": 1,
        "name": "x",
        "method": "n2v",
        "mode": "2d",
    }
    for stages in _STAGES:
        found[f"stages are {str(stages)[:40]}"] = {**described, "stages": stages}
    return found


def _texts() -> dict[str, Callable[[], bytes]]:
    return {
        "nothing": lambda: b"",
        "noise": lambda: bytes(range(256)) * 10,
        "a list": lambda: b"[]",
        "a number of 100,000 digits": lambda: b'{"features": ' + b"9" * 100_000 + b"}",
        "100,000 levels of lists": lambda: b"[" * 100_000 + b"]" * 100_000,
        "100,000 levels of objects": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "levels inside a field": lambda: b'{"features": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "half an object": lambda: b'{"features": 8, "num_lay',
        "the same key twice": lambda: b'{"features": 8, "features": 900, "num_layers": 2}',
        "NaN": lambda: b'{"features": NaN, "num_layers": Infinity}',
        "UTF-16": lambda: json.dumps(CARD).encode("utf-16"),
        "20 MB of spaces": lambda: b" " * (20 << 20) + b"{}",
        "a million keys": lambda: b"{" + b",".join(b'"%d":0' % number for number in range(1_000_000)) + b"}",
        "YAML that makes objects": lambda: b"!!python/object/apply:os.system ['true']",
        "YAML aliases": lambda: b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
        "a pickle": lambda: b"cos\nsystem\n(S'true'\ntR.",
        "nulls": lambda: b"\0" * 1000,
        "lone surrogates": lambda: b'{"\\ud800": "\\udfff"}',
    }
