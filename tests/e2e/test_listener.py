"""What other systems hear of an installation."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from clearstack.v1.event_pb2 import Event
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.listener import LISTENER
from clearstack_embedded.credentials import load_or_create
from clearstack_embedded.folder import DataFolder
from e2e.support import configs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.installation import RunningInstallation, clean_environment
from google.protobuf import json_format
from jsonschema import Draft202012Validator, FormatChecker

_ROOT = Path(__file__).parents[2]
_EXAMPLE = _ROOT / "examples" / "lims_listener.py"
_SCHEMA = json.loads((_ROOT / "docs" / "events.schema.json").read_text())
_ENOUGH = 30


def _heard(installation: RunningInstallation, number: int) -> list[dict[str, Any]]:
    folder = DataFolder(installation.data)
    environment = {
        "CLEARSTACK_NATS_URL": installation.addresses()["broker"].replace("nats://", "tls://"),
        "CLEARSTACK_NATS_CA": str(installation.data / "certificates" / "broker-ca.pem"),
        "CLEARSTACK_NATS_NKEY_SEED": load_or_create(folder.secrets).of(LISTENER).nkey_seed,
    }
    done = subprocess.run(
        [sys.executable, str(_EXAMPLE), str(number)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=clean_environment() | environment,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_listener_hears_every_event_as_the_schema_says(
    installation: RunningInstallation, api: Api, rows: Stack
) -> None:
    """Headers are CloudEvents 1.0, bodies keep to docs/events.schema.json, and who comes back goes on."""
    training = api.train(rows, configs.two_stages(), method=AUTOSTRUCTN2V, auto_approve=True)
    api.until_complete(training.name)
    heard = _heard(installation, _ENOUGH)
    later = _heard(installation, 1)
    assert later[0]["headers"]["ce-id"] not in {each["headers"]["ce-id"] for each in heard}
    validator = Draft202012Validator(_SCHEMA, format_checker=FormatChecker())
    kinds = set()
    for each in heard:
        headers, data = each["headers"], each["data"]
        validator.validate(data)
        event = json_format.ParseDict(data, Event())
        kind = event.WhichOneof("kind")
        assert kind is not None
        kinds.add(kind)
        assert headers["ce-specversion"] == "1.0"
        assert headers["ce-type"] == f"clearstack.v1.event.{kind}"
        assert headers["ce-id"] == headers["nats-msg-id"] == event.id
        assert headers["ce-subject"] == event.run
        assert headers["ce-source"].startswith("/")
        assert headers["content-type"] == "application/json"
        assert datetime.fromisoformat(headers["ce-time"]) == event.time.ToDatetime(
            datetime.now().astimezone().tzinfo
        )
    assert {"state_changed", "stage_started", "epoch_completed", "stage_trained"} <= kinds


def test_the_schema_refuses_what_is_no_event() -> None:
    """Without a kind, with two, or with a number for words."""
    validator = Draft202012Validator(_SCHEMA)
    good = {
        "id": "a",
        "run": "trainings/a",
        "time": "2026-01-01T00:00:00Z",
        "state_changed": {"state": "QUEUED"},
    }
    assert validator.is_valid(good)
    for bad in (
        {name: value for name, value in good.items() if name != "state_changed"},
        good | {"range_denoised": {}},
        good | {"state_changed": {"state": 3}},
        {name: value for name, value in good.items() if name != "id"},
    ):
        assert not validator.is_valid(bad)


def test_every_kind_of_event_is_in_the_table() -> None:
    """docs/events.md names each subject."""
    table = (_ROOT / "docs" / "events.md").read_text()
    for field in Event.DESCRIPTOR.oneofs_by_name["kind"].fields:
        assert f"`clearstack.evt.{field.name}." in table
