"""From a layer to an array with its pixel size, and from a result to a layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

_AXES = (2, 3)
# What the result has from the layer that it was made of.
_KEPT = ("scale", "translate", "rotate", "shear", "units", "axis_labels", "colormap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What is sent.

    Attributes:
        data: (Y, X) or (Z, Y, X).
        pixel_size_um: None = the layer does not say.
        z_step_um: The same.
    """

    data: NDArray[Any]
    pixel_size_um: float | None
    z_step_um: float | None


def input_of(layer: object) -> Input:
    """What to send of a layer.

    Raises:
        ValueError: It is no single grey stack; the text says why.
    """
    if not isinstance(layer, Image):
        raise ValueError("Select an image layer first: only images can be denoised.")  # noqa: TRY004 - it is shown
    if layer.rgb or layer.ndim not in _AXES:
        raise ValueError(
            f"'{layer.name}' has {'colours' if layer.rgb else f'{layer.ndim} axes'}: "
            "a stack has rows and columns, and slices perhaps. Split channels and time points into layers."
        )
    data = np.asarray(layer.data[0] if layer.multiscale else layer.data)
    sizes = [
        float(size) if str(unit) in {"micrometer", "µm"} else None
        for size, unit in zip(layer.scale, layer.units, strict=True)
    ]
    pixel_size_um = sizes[-1] if sizes[-1] == sizes[-2] else None
    return Input(data=data, pixel_size_um=pixel_size_um, z_step_um=sizes[0] if len(sizes) > 2 else None)  # noqa: PLR2004


def result_layer(source: Image, data: NDArray[Any], run: str) -> Image:
    """The result beside its source: where it was, as large as it was, with the same contrast."""
    kept = {name: getattr(source, name) for name in _KEPT}
    return Image(
        data,
        name=f"{source.name} denoised",
        contrast_limits=source.contrast_limits,
        metadata=dict(source.metadata) | {"clearstack": {"run": run}},
        **kept,
    )
