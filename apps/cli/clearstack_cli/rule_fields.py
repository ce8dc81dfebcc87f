"""A rule as it is typed: options of `clearstack rules create` and `update`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from clearstack.v1.rule_service_pb2 import Rule, TrainAction

from clearstack_cli import overrides
from clearstack_cli.connection import Client
from clearstack_cli.errors import UsageError
from clearstack_cli.paging import model_name
from clearstack_cli.words import MethodName, ModeName, PresetName


class ActionName(StrEnum):
    """What a rule does, as it is typed."""

    DENOISE = "denoise"
    TRAIN = "train"
    REUSE = "reuse"


NameOption = Annotated[str | None, typer.Option("--name", help="For the lists.", show_default="its id")]
BucketOption = Annotated[
    str | None,
    typer.Option("--bucket", help="Where acquisitions arrive.", show_default="the installation's own"),
]
PrefixOption = Annotated[
    str | None, typer.Option("--prefix", help="How their keys begin.", show_default="incoming/")
]
PatternOption = Annotated[
    str | None, typer.Option("--pattern", help="A glob, such as '*_ch1.tif'.", show_default="every TIFF")
]
SettleOption = Annotated[
    float | None,
    typer.Option(
        "--settle", min=0, help="Seconds without a change until a file is ready.", show_default="10"
    ),
]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", help="Leave alone what was written before (UTC).", show_default="take all"),
]
NewOption = Annotated[bool, typer.Option("--new-only", help="Leave alone what is there already.")]
ResultsOption = Annotated[
    str | None,
    typer.Option("--results", metavar="PREFIX/", help="Where results go.", show_default="denoised/ID/"),
]
ResultsBucketOption = Annotated[
    str | None,
    typer.Option("--results-bucket", help="The bucket for them.", show_default="that of the acquisitions"),
]
ActionOption = Annotated[
    ActionName | None,
    typer.Option(
        "--do",
        help="denoise with --model; train a model for each; or reuse the newest that was trained on such noise, else train.",
    ),
]
ModelOption = Annotated[str | None, typer.Option("--model", help="Id of the model to denoise with.")]
RuleMethodOption = Annotated[
    MethodName, typer.Option("--method", help="To train with; auto has each acquisition measured.")
]
RuleModeOption = Annotated[ModeName | None, typer.Option("--mode", help="2d or 2.5d.")]
RulePresetOption = Annotated[PresetName, typer.Option("--preset", help="How much time to take.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What to do, as it was typed."""

    kind: ActionName | None
    model: str | None
    method: MethodName
    mode: ModeName | None
    preset: PresetName
    assignments: list[str] | None

    def put_into(self, client: Client, rule: Rule) -> None:
        """Sets the rule's action, if one was given.

        Raises:
            UsageError: A model is missing, or not wanted.
        """
        kind = self.kind or (ActionName.DENOISE if self.model else None)
        if (kind is ActionName.DENOISE) != bool(self.model):
            raise UsageError("--model MODEL belongs to `--do denoise`, and only to that.")
        if kind is ActionName.DENOISE:
            rule.denoise.model = model_name(client, self.model or "")
        elif kind is ActionName.TRAIN:
            rule.train.CopyFrom(self._training())
        elif kind is ActionName.REUSE:
            rule.reuse.otherwise.CopyFrom(self._training())

    def _training(self) -> TrainAction:
        action = TrainAction(method=self.method.proto, preset=self.preset.proto)
        if self.mode is not None:
            action.mode = self.mode.proto
        if self.assignments:
            action.config.CopyFrom(overrides.parse(self.assignments))
        return action


def rule_of(
    *,
    name: str | None,
    bucket: str | None,
    prefix: str | None,
    pattern: str | None,
    settle_s: float | None,
    since: datetime | None,
    results: str | None,
    results_bucket: str | None,
) -> tuple[Rule, list[str]]:
    """The rule with the fields that were given, and their names."""
    texts = {
        "display_name": name,
        "source_bucket": bucket,
        "prefix": prefix,
        "file_pattern": pattern,
        "results_bucket": results_bucket,
        "results_prefix": results,
    }
    given = {field: text for field, text in texts.items() if text is not None}
    rule, paths = Rule(), list(given)
    for field, text in given.items():
        setattr(rule, field, text)
    if settle_s is not None:
        rule.settle_time.FromMilliseconds(round(settle_s * 1000))
        paths.append("settle_time")
    if since is not None:
        rule.start_time.FromDatetime(since.replace(tzinfo=UTC))
        paths.append("start_time")
    return rule, paths
