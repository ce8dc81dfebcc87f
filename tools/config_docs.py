"""Writes what the configuration's schema says into the README and into the comments of `config.proto`.

Run by `make gen`; the lint fails when the result is not committed. The schema is `clearstack_common.config`.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import Preset, TrainingConfig
from clearstack_common.config import MASK_PARAMETERS, STAGE_PARAMETERS, Parameter, preset_config

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "protos/clearstack/v1/config.proto"
README = ROOT / "README.md"
BEGIN, END = "<!-- presets: written by tools/config_docs.py -->", "<!-- presets: end -->"
PRESETS: tuple["Preset.ValueType", ...] = (
    config_pb2.PRESET_FAST,
    config_pb2.PRESET_BALANCED,
    config_pb2.PRESET_HIGH_QUALITY,
)


def comment(parameter: Parameter) -> str:
    """The proto comment of a parameter."""
    allowed = "" if parameter.kind in {"switch", "choice"} else f" Allowed: {parameter.range_text}."
    return f"{parameter.help}{allowed}"


def with_comments(proto: str, message: str, parameters: Sequence[Parameter]) -> str:
    """The proto's text with the comments of a message's fields replaced."""
    start = proto.index(f"message {message} {{")
    stop = proto.index("\n}", start)
    body = proto[start:stop]
    for parameter in parameters:
        field = re.compile(rf"(?:  //[^\n]*\n)*(  optional \w+ {parameter.name} = )")
        text = comment(parameter)
        body = field.sub(lambda match, text=text: f"  // {text}\n{match[1]}", body, count=1)  # type: ignore[misc]
    return proto[:start] + body + proto[stop:]


def value_text(config: TrainingConfig, part: str, parameter: Parameter) -> str:
    """A value as a person writes it; empty where the method has no such part."""
    if not config.HasField(part):  # type: ignore[arg-type]
        return ""
    message = getattr(config, part)
    value = getattr(message, parameter.name)
    if parameter.kind == "switch":
        return "on" if value else "off"
    if parameter.kind == "choice":
        enum = message.DESCRIPTOR.fields_by_name[parameter.name].enum_type
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"
        return str(enum.values_by_number[value].name.removeprefix(prefix).lower())
    return f"{value:g}"


def cell(preset: "Preset.ValueType", parameter: Parameter) -> str:
    """N2V's value; stage 1's and stage 2's of autoStructN2V behind it where they differ."""
    n2v = value_text(preset_config(config_pb2.METHOD_N2V, preset), "stage1", parameter)
    structured = preset_config(config_pb2.METHOD_AUTOSTRUCTN2V, preset)
    stages = [value_text(structured, part, parameter) for part in ("stage1", "stage2")]
    return n2v if stages == [n2v, n2v] else " / ".join([n2v, *stages])


def presets_table() -> str:
    """The table of the README."""
    lines = [
        "| `--set stage1.…`, `stage2.…` | allowed | fast | balanced | high-quality |",
        "|---|---|---|---|---|",
    ]
    for parameter in STAGE_PARAMETERS:
        cells = " | ".join(cell(preset, parameter) for preset in PRESETS)
        lines.append(f"| {parameter.name} | {parameter.range_text} | {cells} |")
    masks = preset_config(config_pb2.METHOD_AUTOSTRUCTN2V, config_pb2.PRESET_BALANCED)
    lines += ["", "| `--set mask.…` | allowed | every preset |", "|---|---|---|"]
    lines += [
        f"| {parameter.name} | {parameter.range_text} | {value_text(masks, 'mask', parameter)} |"
        for parameter in MASK_PARAMETERS
    ]
    return "\n".join(lines)


def main() -> None:
    """Rewrites both files."""
    proto = PROTO.read_text()
    proto = with_comments(proto, "StageConfig", STAGE_PARAMETERS)
    proto = with_comments(proto, "MaskExtractorConfig", MASK_PARAMETERS)
    PROTO.write_text(proto)
    readme = README.read_text()
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{presets_table()}\n{END}{after}")


if __name__ == "__main__":
    main()
