"""Imports CAREamics without torchvision.

CAREamics imports torchvision for networks that are not measured here, and asks for a version of it that goes with an
older torch. An empty module in its place lets it run with the same torch as Clearstack, on the same kernels.
"""

from __future__ import annotations

import logging
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType

# Those that look for torchvision by themselves, and find none, come first.
import lightning  # noqa: F401
import torchmetrics  # noqa: F401

for _name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
    _module = ModuleType(_name)
    _module.__spec__ = ModuleSpec(_name, None)
    _module.__dict__["__version__"] = "0"
    sys.modules.setdefault(_name, _module)

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")

from careamics import CAREamist  # noqa: E402
from careamics.config.factories import create_advanced_n2v_config  # noqa: E402
from lightning.pytorch.callbacks import Callback  # noqa: E402

__all__ = ["CAREamist", "Callback", "create_advanced_n2v_config"]
