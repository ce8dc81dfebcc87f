"""The page's tables."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_SKIPPED = frozenset({"seed"})  # is told as provenance


def amount(value: float) -> str:
    """Three digits, without an exponent where people would not write one."""
    if 1e-3 <= abs(value) < 1e6:  # noqa: PLR2004
        digits = 2 - math.floor(math.log10(abs(value)))
        return f"{round(value, digits):,.{max(0, digits)}f}"
    return f"{value:.3g}"


def share(percent: float) -> str:
    """A share that is estimated from above zero."""
    return f"{percent:.0f} %" if percent else "none seen"


def comparison(first: Mapping[str, Any], second: Mapping[str, Any]) -> str:
    """Stage 2 beside stage 1."""
    rows = [
        (
            "Noise left, standard deviation",
            amount(first["noise_left_std"]),
            amount(second["noise_left_std"]),
        ),
        (
            "Noise removed",
            f"{first['noise_removed_percent']:.0f} %",
            f"{second['noise_removed_percent']:.0f} %",
        ),
        (
            "Noise pattern found in what was removed",
            f"{first['pattern_in_residual_percent']:.0f} %",
            f"{second['pattern_in_residual_percent']:.0f} %",
        ),
        (
            "Fine structure lost, about",
            share(first["signal_lost_percent"]),
            share(second["signal_lost_percent"]),
        ),
    ]
    return _table(("", "Stage 1", "Stage 2"), rows)


def parameters(values: Mapping[str, Any], stage: int, method: str) -> str:
    """What the training was told; of stage 2 only where there is one."""
    stages = [f"stage{number}" for number in range(1, stage + 1) if values.get(f"stage{number}")]
    names = list(dict.fromkeys(name for key in stages for name in values[key]))
    rows = [(_words(name), *(_value(values[key].get(name, "")) for key in stages)) for name in names]
    heads = ["", *(f"Stage {key[-1]}" if method != "N2V" else "Value" for key in stages)]
    made = []
    if values.get("preset"):
        made.append(f"<p>Preset {escape(str(values['preset']))}.</p>")
    if rows:
        made.append(_table(heads, rows))
    if stage > 1 and values.get("mask"):
        made.append("<h3>Mask extractor</h3>")
        made.append(
            _table(("", "Value"), [(_words(key), _value(value)) for key, value in values["mask"].items()])
        )
    return "".join(made) or "<p>The model was imported: how it was trained is not known here.</p>"


def provenance(facts: Mapping[str, Any]) -> str:
    """Where everything comes from."""
    known = facts["provenance"]
    rows = [
        ("Stack", f"{known['stack']}, SHA-256 {known['stack_sha256']}"),
        ("Pixel size", f"{known['pixel_size_um']:.4g} µm" if known["pixel_size_um"] else ""),
        ("Z step", f"{known['z_step_um']:.4g} µm" if known["z_step_um"] else ""),
        ("Result", f"{known['denoising']}, SHA-256 {known['result_sha256']}"),
        ("Model", f"{known['model']}{', trained on this stack' if known['trained_on_this_stack'] else ''}"),
        ("Training", known["training"]),
        *((f"Weights, {name}", f"SHA-256 {sha256}") for name, sha256 in known["weights_sha256"].items()),
        ("Seed", known["seed"]),
        ("Trained on", known["device"]),
        ("Report made", f"{known['made'].replace('T', ' ')} by Clearstack {known['code_version']}"),
    ]
    return _table((), [row for row in rows if row[1]])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table{' class=wide' if not heads else ''}>{f'<thead><tr>{head}</tr></thead>' if heads else ''}<tbody>{body}</tbody></table>"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    for prefix in ("MASKING_STRATEGY_", "UPSAMPLING_MODE_"):
        if text.startswith(prefix):
            return text.removeprefix(prefix).lower().replace("_", " ")
    return text
