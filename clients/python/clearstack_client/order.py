"""How something is to be denoised, as keyword arguments."""

from typing import TypedDict

from clearstack_client.choices import Config, Method, Mode, Preset
from clearstack_client.progress import OnProgress


class Order(TypedDict, total=False):
    """All of it may be left out.

    Attributes:
        method: `n2v` (the default), `autostructn2v`, or `auto` to have it measured.
        mode: `2d` or `2.5d`; default: 2d, with `auto` what is recommended.
        preset: How much time to take: `fast`, `balanced` (the default), `high-quality`.
        config: What is to differ from the preset: {"stage1": {"epochs": 50}}.
        model: `models/{id}`: train nothing, use this one.
        output_dtype: `float32` keeps full precision; default: the input's.
        progress: Is told how far it is.
    """

    method: Method
    mode: Mode | None
    preset: Preset
    config: Config
    model: str
    output_dtype: str
    progress: OnProgress
