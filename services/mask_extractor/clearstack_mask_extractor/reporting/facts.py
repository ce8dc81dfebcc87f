"""Everything that a report says, as plain data: report.json is this, and the page is drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from clearstack.v1.config_pb2 import Method, Mode, Preset
from clearstack.v1.job_pb2 import MakeReport
from clearstack_engine.analysis.findings import Finding, judge_result
from clearstack_engine.analysis.outcome import Outcome
from google.protobuf import json_format
from google.protobuf.message import Message

from clearstack_mask_extractor.reporting.measure import Measured

FORMAT_VERSION = 1

METHODS = {"METHOD_N2V": "N2V", "METHOD_AUTOSTRUCTN2V": "autoStructN2V"}
MODES = {"MODE_2D": "2D", "MODE_2_5D": "2.5D"}
_PROFILE_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StageHistory:
    """What a stage's training told after each epoch (the trainer's own words)."""

    stage: int
    epochs: Sequence[Mapping[str, Any]]


def facts_of(
    work: MakeReport,
    run: str,
    measured: Measured,
    histories: Sequence[StageHistory],
    mask: Mapping[str, Any] | None,
    now: datetime,
    code_version: str,
) -> dict[str, Any]:
    """The report as data for JSON.

    Args:
        work: What was asked for.
        run: The denoising.
        measured: What was found.
        histories: Losses of the stages that there are.
        mask: Of stage 2, as the API has it; None for a result without one.
        now: When the report is made.
        code_version: Of the program that makes it.
    """
    finding = verdict(work, measured)
    return {
        "format_version": FORMAT_VERSION,
        "title": work.stack_display_name,
        "method": METHODS.get(Method.Name(work.method), ""),
        "mode": MODES.get(Mode.Name(work.mode), ""),
        "stage": work.stage,
        "verdict": {"kind": finding.kind, "headline": finding.headline, "text": finding.text},
        "result": _outcome(measured.outcome),
        "stage_one": _outcome(measured.earlier) if measured.earlier else None,
        "measured_slice_count": measured.num_measured,
        "slice_count": measured.num_slices,
        "correlation": _profiles(measured.outcome),
        "losses": [{"stage": each.stage, "epochs": list(each.epochs)} for each in histories],
        "mask": mask,
        "parameters": _parameters(work),
        "provenance": _provenance(work, run, now, code_version),
    }


def verdict(work: MakeReport, measured: Measured) -> Finding:
    """The verdict on the result."""
    return judge_result(
        measured.outcome,
        work.stage,
        is_structured_method=Method.Name(work.method) == "METHOD_AUTOSTRUCTN2V",
        stage_one=measured.earlier,
    )


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "noise_std": outcome.noise_std,
        "noise_left_std": outcome.left_std,
        "noise_removed_percent": outcome.removed_percent,
        "signal_lost_percent": outcome.lost_percent,
        "signal_lost_std": outcome.lost_std,
        "noise_pattern": outcome.mask.pattern,
        "pattern_in_residual_percent": 100 * min(1.0, max(0.0, outcome.captured)),
    }


def _profiles(outcome: Outcome) -> dict[str, Any]:
    """Correlation along rows and columns, of the input's noise and of the residual."""
    found: dict[str, Any] = {}
    for name, correlation_ZYX in (
        ("noise", outcome.correlation.flat_correlation_ZYX),
        ("residual", outcome.correlation.residual_correlation_ZYX),
    ):
        z, y, x = (side // 2 for side in correlation_ZYX.shape)
        reach = min(_PROFILE_PX, y, x)
        found["offsets_px"] = list(range(reach + 1))
        found[f"{name}_along_rows"] = _rounded(correlation_ZYX[z, y, x : x + reach + 1])
        found[f"{name}_along_columns"] = _rounded(correlation_ZYX[z, y : y + reach + 1, x])
    return found


def _rounded(values: "np.ndarray[Any, Any]") -> list[float]:
    return [round(float(value), 4) for value in values]


def _parameters(work: MakeReport) -> dict[str, Any]:
    preset = Preset.Name(work.preset).removeprefix("PRESET_").lower().replace("_", "-")
    return {"preset": "" if preset == "unspecified" else preset, **_plain(work.config)}


def _plain(message: Message) -> dict[str, Any]:
    return dict(json_format.MessageToDict(message, preserving_proto_field_name=True))


def _provenance(work: MakeReport, run: str, now: datetime, code_version: str) -> dict[str, Any]:
    info = work.stack_info
    return {
        "stack": work.stack_name,
        "stack_sha256": work.stack.sha256,
        "shape": [info.slice_count, info.height, info.width],
        "dtype": info.dtype,
        "pixel_size_um": info.pixel_size_um if info.HasField("pixel_size_um") else None,
        "z_step_um": info.z_step_um if info.HasField("z_step_um") else None,
        "result_sha256": work.result.sha256,
        "denoising": run,
        "model": work.model,
        "training": work.training,
        "trained_on_this_stack": work.is_training_stack,
        "weights_sha256": {
            f"stage{stage.number}": file.sha256
            for stage in work.stages
            for file in stage.files
            if file.file_name == "weights.safetensors"
        },
        "seed": str(work.config.seed) if work.config.HasField("seed") else "",
        "device": work.device,
        "code_version": code_version,
        "made": now.isoformat(timespec="seconds"),
    }
