"""What a training can be told: parameters with their ranges, presets, and how a request becomes a full configuration."""

from clearstack_common.config.parameters import MASK_PARAMETERS, STAGE_PARAMETERS, Parameter
from clearstack_common.config.presets import preset_config
from clearstack_common.config.resolve import check_mask_config, resolve_config, stage_names

__all__ = [
    "MASK_PARAMETERS",
    "STAGE_PARAMETERS",
    "Parameter",
    "check_mask_config",
    "preset_config",
    "resolve_config",
    "stage_names",
]
