"""Which device computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

from clearstack_engine.errors import DeviceError

DeviceChoice = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A torch device with the precision that pays there."""

    device: torch.device
    precision: torch.dtype

    @classmethod
    def choose(cls, choice: str = "auto") -> Device:
        """`auto` takes CUDA where there is one; bfloat16 where the hardware multiplies in it.

        Raises:
            DeviceError: CUDA was asked for and is not there.
        """
        has_cuda = torch.cuda.is_available()
        if choice == "cuda" and not has_cuda:
            raise DeviceError("There is no CUDA device here: use `auto` or `cpu`.")
        kind = choice if choice != "auto" else ("cuda" if has_cuda else "cpu")
        fast = torch.cuda.is_bf16_supported() if kind == "cuda" else _cpu_multiplies_bfloat16()
        return cls(device=torch.device(kind), precision=torch.bfloat16 if fast else torch.float32)

    @property
    def name(self) -> str:
        """Such as `cpu (bfloat16)`."""
        kind = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return f"{kind} ({str(self.precision).removeprefix('torch.')})"

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which a network's forward pass belongs."""
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)


def _cpu_multiplies_bfloat16() -> bool:
    # oneDNN emulates bfloat16 on any AVX-512 CPU, slower than float32: ask for the instructions themselves.
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
