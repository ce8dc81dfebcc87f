"""`clearstack rules …`: what to do with new acquisitions, and what became of them."""

import uuid
from datetime import UTC, datetime
from typing import Annotated

import typer
from clearstack.v1 import rule_service_pb2 as pb
from clearstack.v1.rule_service_pb2 import Rule
from google.protobuf.field_mask_pb2 import FieldMask

from clearstack_cli import rule_fields as fields
from clearstack_cli import words
from clearstack_cli.connection import Client
from clearstack_cli.errors import UsageError
from clearstack_cli.output import console, hint, print_json, say
from clearstack_cli.overrides import SetOption
from clearstack_cli.paging import acquisition_name, all_acquisitions, all_rules, rule_name
from clearstack_cli.rule_view import acquisitions_table, rule_card, rules_table
from clearstack_cli.verb import JsonOption, connected
from clearstack_cli.words import MethodName, PresetName

app = typer.Typer(no_args_is_help=True, help="Have new acquisitions denoised without being asked.")

RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="Id of the rule, or its beginning.")]
_SHOWN = 20


@app.command()
@connected
def create(
    client: Client,
    *,
    name: fields.NameOption = None,
    bucket: fields.BucketOption = None,
    prefix: fields.PrefixOption = None,
    pattern: fields.PatternOption = None,
    settle: fields.SettleOption = None,
    since: fields.SinceOption = None,
    new_only: fields.NewOption = False,
    results: fields.ResultsOption = None,
    results_bucket: fields.ResultsBucketOption = None,
    do: fields.ActionOption = None,
    model: fields.ModelOption = None,
    method: fields.RuleMethodOption = MethodName.AUTO,
    mode: fields.RuleModeOption = None,
    preset: fields.RulePresetOption = PresetName.BALANCED,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a rule for the files under a prefix."""
    if do is None and model is None:
        raise UsageError("Say what the rule does: --do denoise --model MODEL, --do train or --do reuse.")
    rule, _ = fields.rule_of(
        name=name,
        bucket=bucket,
        prefix=prefix,
        pattern=pattern,
        settle_s=settle,
        since=datetime.now(UTC) if new_only else since,
        results=results,
        results_bucket=results_bucket,
    )
    action = fields.Action(
        kind=do, model=model, method=method, mode=mode, preset=preset, assignments=assignments
    )
    action.put_into(client, rule)
    request = pb.CreateRuleRequest(rule=rule, request_id=uuid.uuid4().hex)
    made = client.rules.CreateRule(request).rule
    if as_json:
        print_json(made)
        return
    say(f"Created: {words.short(made.name)}. Files under {made.prefix} are dealt with from now on.")
    hint(f"See how it goes with {client.command(f'rules show {words.short(made.name)}')}")


@app.command("list")
@connected
def list_(client: Client, *, as_json: JsonOption = False) -> None:
    """List the rules, newest first."""
    response = all_rules(client)
    if as_json:
        print_json(response)
    elif response.rules:
        console().print(rules_table(response.rules))
    else:
        hint("No rules yet: `clearstack rules create --do reuse`.")


@app.command()
@connected
def show(client: Client, rule: RuleArgument, *, as_json: JsonOption = False) -> None:
    """Show a rule, and what it has dealt with of late."""
    response = client.rules.GetRule(pb.GetRuleRequest(name=rule_name(client, rule)))
    if as_json:
        print_json(response)
        return
    console().print(rule_card(response.rule, response.counts))
    request = pb.ListAcquisitionsRequest(rule=response.rule.name, page_size=_SHOWN)
    newest = client.rules.ListAcquisitions(request).acquisitions
    if newest:
        console().print(acquisitions_table(newest))


@app.command()
@connected
def update(
    client: Client,
    rule: RuleArgument,
    *,
    name: fields.NameOption = None,
    bucket: fields.BucketOption = None,
    prefix: fields.PrefixOption = None,
    pattern: fields.PatternOption = None,
    settle: fields.SettleOption = None,
    since: fields.SinceOption = None,
    results: fields.ResultsOption = None,
    results_bucket: fields.ResultsBucketOption = None,
    do: fields.ActionOption = None,
    model: fields.ModelOption = None,
    method: fields.RuleMethodOption = MethodName.AUTO,
    mode: fields.RuleModeOption = None,
    preset: fields.RulePresetOption = PresetName.BALANCED,
    assignments: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a rule; what is in work goes on as it was begun."""
    wanted, paths = fields.rule_of(
        name=name,
        bucket=bucket,
        prefix=prefix,
        pattern=pattern,
        settle_s=settle,
        since=since,
        results=results,
        results_bucket=results_bucket,
    )
    action = fields.Action(
        kind=do, model=model, method=method, mode=mode, preset=preset, assignments=assignments
    )
    action.put_into(client, wanted)
    paths += [kind] if (kind := wanted.WhichOneof("action")) else []
    if not paths:
        raise UsageError("Say what to change, for example --settle 30.")
    wanted.name = rule_name(client, rule)
    _change(client, wanted, paths, as_json=as_json)


@app.command()
@connected
def enable(client: Client, rule: RuleArgument, *, as_json: JsonOption = False) -> None:
    """Switch a rule on; what has arrived meanwhile is taken."""
    _change(client, Rule(name=rule_name(client, rule)), ["disabled"], as_json=as_json)


@app.command()
@connected
def disable(client: Client, rule: RuleArgument, *, as_json: JsonOption = False) -> None:
    """Switch a rule off: it begins nothing more."""
    _change(client, Rule(name=rule_name(client, rule), disabled=True), ["disabled"], as_json=as_json)


@app.command()
@connected
def delete(client: Client, rule: RuleArgument, *, as_json: JsonOption = False) -> None:
    """Delete a rule; what is in work goes on, and results stay."""
    name = rule_name(client, rule)
    client.rules.DeleteRule(pb.DeleteRuleRequest(name=name))
    if as_json:
        print_json(Rule(name=name))
    else:
        say(f"Deleted: {words.short(name)}")


@app.command()
@connected
def failures(
    client: Client,
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Of this rule only.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List the acquisitions that failed, with their reasons."""
    response = all_acquisitions(client, rule_name(client, rule) if rule else "", pb.ACQUISITION_STATE_FAILED)
    if as_json:
        print_json(response)
    elif response.acquisitions:
        console().print(acquisitions_table(response.acquisitions))
        hint(f"Try one again with {client.command('rules retry ACQUISITION')}, all with --all.")
    else:
        hint("No failures.")


@app.command()
@connected
def retry(
    client: Client,
    acquisition: Annotated[
        str | None, typer.Argument(metavar="[ACQUISITION]", help="Id of the acquisition, or its beginning.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Try failed acquisitions again, as their rule says now."""
    if everything == (acquisition is not None):
        raise UsageError("Name one acquisition, or give --all.")
    failed = [each.name for each in all_acquisitions(client, "", pb.ACQUISITION_STATE_FAILED).acquisitions]
    names = failed if acquisition is None else [acquisition_name(client, acquisition)]
    for name in names:
        tried = client.rules.RetryAcquisition(pb.RetryAcquisitionRequest(name=name)).acquisition
        if as_json:
            print_json(tried)
        else:
            say(f"{words.short(tried.name)} is tried again: {tried.key}")
    if not names and not as_json:
        hint("No failures.")


def _change(client: Client, wanted: Rule, paths: list[str], *, as_json: bool) -> None:
    request = pb.UpdateRuleRequest(rule=wanted, update_mask=FieldMask(paths=paths))
    changed = client.rules.UpdateRule(request).rule
    if as_json:
        print_json(changed)
    else:
        console().print(rules_table([changed]))
