"""Keys and rights for a facility."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from clearstack_common.permissions import SERVICES, permissions
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.facility import policy, write_facility
from clearstack_embedded.servers import find_program


def test_each_service_gets_a_secret_of_its_own(tmp_path: Path) -> None:
    """With keys that nobody else has; files are private, and a second call does not overwrite them."""
    written = write_facility(tmp_path / "out", "clearstack")
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    items = json.loads((tmp_path / "out/secrets.json").read_text())["items"]
    secrets = {item["metadata"]["name"]: item["stringData"] for item in items}
    seeds = {secrets[f"clearstack-{name}"]["CLEARSTACK_NATS_NKEY_SEED"] for name in SERVICES}
    assert len(seeds) == len(SERVICES)
    with pytest.raises(InstallationError, match="not empty"):
        write_facility(tmp_path / "out", "clearstack")


def test_the_broker_takes_its_authorization(tmp_path: Path) -> None:
    """NATS itself reads it, included in a configuration; it holds public halves alone."""
    write_facility(tmp_path / "out", "clearstack")
    authorization = tmp_path / "out/nats/authorization.conf"
    assert not re.search(r"\bSU[A-Z2-7]{40,}", authorization.read_text())
    (tmp_path / "nats.conf").write_text("include out/nats/authorization.conf\n")
    command = (str(find_program("nats-server")), "-t", "-c", str(tmp_path / "nats.conf"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    users = json.loads(authorization.read_text())["authorization"]["users"]
    [trainer] = [
        user
        for user in users
        if user.get("permissions", {}).get("publish") == list(permissions("trainer").publish)
    ]
    assert trainer["permissions"]["subscribe"] == list(permissions("trainer").subscribe)


def test_a_policy_says_what_the_table_says() -> None:
    """A trainer reads three prefixes, writes one and lists one; it makes no bucket."""
    statements = json.loads(policy(permissions("trainer"), "lab"))["Statement"]
    by_action = {action: each for each in statements for action in each["Action"]}
    assert by_action["s3:PutObject"]["Resource"] == ["arn:aws:s3:::lab/models/*"]
    assert "arn:aws:s3:::lab/stacks/*" in by_action["s3:GetObject"]["Resource"]
    assert by_action["s3:ListBucket"]["Condition"] == {"StringLike": {"s3:prefix": ["models/*"]}}
    assert "s3:CreateBucket" not in by_action
    assert "s3:CreateBucket" in policy(permissions("gateway"), "lab")
