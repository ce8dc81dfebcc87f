"""Reads weights from files of any origin, never running what is in them, and compares them with a network."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from clearstack_engine.errors import ModelFilesError, ModelMismatchError

if TYPE_CHECKING:
    from pathlib import Path

NUM_DIFFERENCES_NAMED = 5
# Where programs keep the state dict in a checkpoint that holds other things too.
_WRAPPERS = ("model_state_dict", "state_dict")


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A plain state dict: from safetensors, or from a .pth, in which it may be the `model_state_dict` of a checkpoint.

    Raises:
        ModelFilesError: the file cannot be read, or holds anything but tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        found: Any = torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise ModelFilesError(
            f"{path.name} is not a plain state dict: it holds Python objects, which are never run here. Save it anew "
            "with `torch.save(model.state_dict(), path)`."
        ) from error
    # The readers raise whatever damage makes of them: KeyError, EOFError, ValueError, struct.error …
    except Exception as error:
        first_line = str(error).partition("\n")[0][:200]
        raise ModelFilesError(
            f"The weights cannot be read: {path.name}: {first_line or type(error).__name__}."
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            found = found[wrapper]
    if not _is_state_dict(found):
        raise ModelFilesError(f"{path.name} is not a plain state dict: it must hold tensors by name.")
    return dict(found)


def require_fit(expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor], *, what: str) -> None:
    """Compare names, shapes and kinds of tensors; values only for being finite.

    Args:
        expected: the network's state dict; may be on the device `meta`.
        found: what a file holds.
        what: the description that both should follow, such as `model.json`.

    Raises:
        ModelMismatchError: names the first few differences.
    """
    differences = _differences(expected, found)
    if differences:
        named = "; ".join(differences[:NUM_DIFFERENCES_NAMED])
        more = "; …" if len(differences) > NUM_DIFFERENCES_NAMED else ""
        count = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
        raise ModelMismatchError(f"The weights do not fit {what} ({count}): {named}{more}.")


def _is_state_dict(found: object) -> bool:
    return (
        isinstance(found, dict)
        and bool(found)
        and all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items())
    )


def _differences(expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor]) -> list[str]:
    missing = [f"{name} is missing" for name in expected if name not in found]
    extra = [f"{name[:100]} is not expected" for name in found if name not in expected]
    both = [(name, tensor, found[name]) for name, tensor in expected.items() if name in found]
    shapes = [
        f"{name} has the shape {tuple(value.shape)}, not {tuple(tensor.shape)}"
        for name, tensor, value in both
        if value.shape != tensor.shape
    ]
    kinds = [
        f"{name} holds {str(value.dtype).removeprefix('torch.')} numbers"
        for name, tensor, value in both
        if value.is_floating_point() != tensor.is_floating_point() or value.layout != torch.strided
    ]
    found_differences = missing + extra + shapes + kinds
    # Only now: a shape that lies about its storage must not be walked through.
    return found_differences or [
        f"{name} holds NaN or infinite values" for name, _, value in both if not value.isfinite().all()
    ]
