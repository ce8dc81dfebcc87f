"""Rules and their acquisitions in words."""

from collections.abc import Iterable, Sequence

from clearstack.v1.rule_service_pb2 import Acquisition, AcquisitionCount, AcquisitionState, Rule
from rich.console import RenderableType

from clearstack_cli import words
from clearstack_cli.output import card, table


def rules_table(rules: Iterable[Rule]) -> RenderableType:
    """One line for each rule."""
    return table(
        "id",
        "name",
        "from",
        "does",
        "results",
        "state",
        rows=(
            (
                words.short(rule.name),
                rule.display_name,
                _source(rule),
                action(rule),
                f"{rule.results_bucket}/{rule.results_prefix}",
                "disabled" if rule.disabled else "on",
            )
            for rule in rules
        ),
    )


def rule_card(rule: Rule, counts: Sequence[AcquisitionCount]) -> RenderableType:
    """Everything about a rule."""
    so_far = ", ".join(f"{each.count} {state(each.state)}" for each in counts)
    return card(
        rule.display_name,
        [
            ("id", words.short(rule.name)),
            ("state", "disabled" if rule.disabled else "on"),
            ("from", _source(rule)),
            ("ready after", words.duration(rule.settle_time.ToMilliseconds() / 1000)),
            ("written since", words.moment(rule.start_time)),
            ("does", action(rule)),
            ("results", f"{rule.results_bucket}/{rule.results_prefix}"),
            ("acquisitions", so_far or "none yet"),
            ("created", words.moment(rule.create_time)),
            ("by", rule.creator),
        ],
    )


def acquisitions_table(acquisitions: Iterable[Acquisition]) -> RenderableType:
    """One line for each acquisition: what, how far, why not."""
    return table(
        "id",
        "file",
        "state",
        "run",
        "arrived",
        "note",
        rows=(
            (
                words.short(each.name),
                each.key,
                state(each.state),
                words.short(each.training or each.denoising),
                words.age(each.arrive_time),
                each.failure.message or each.waiting_for or each.model_reason,
            )
            for each in acquisitions
        ),
    )


def action(rule: Rule) -> str:
    """What a rule does, in a few words."""
    match rule.WhichOneof("action"):
        case "denoise":
            return f"denoise with {words.short(rule.denoise.model)}"
        case "train":
            return f"train {words.method(rule.train.method) or 'as measured'}, {words.preset(rule.train.preset) or 'balanced'}"
        case "reuse":
            return "reuse a model for such noise, else train"
    return ""


def state(value: "AcquisitionState.ValueType") -> str:
    """For example `denoising`."""
    return AcquisitionState.Name(value).removeprefix("ACQUISITION_STATE_").lower()


def _source(rule: Rule) -> str:
    bucket = f"{rule.source_bucket}/" if rule.source_bucket else ""
    return f"{bucket}{rule.prefix}{rule.file_pattern or '*.tif'}"
