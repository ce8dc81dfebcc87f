"""Keys and rights for an installation on somebody else's broker and store, from the table that one machine uses."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clearstack_common.permissions import SERVICES, Permissions, permissions

from clearstack_embedded.broker import broker_users
from clearstack_embedded.credentials import OPERATOR, Credentials
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.folder import write_private
from clearstack_embedded.store import identities

NAMESPACE = "clearstack"


def write_facility(folder: Path, bucket: str) -> list[Path]:
    """Makes new keys and writes all that a facility needs of them.

    Returns:
        The files: manifests of secrets, the broker's authorization, a policy of the store for each service.

    Raises:
        InstallationError: There are keys in the folder already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InstallationError(
            f"{folder} is not empty; new keys would not fit what an installation uses already. Choose another folder."
        )
    credentials = Credentials.generate()
    authorization = broker_authorization(credentials)
    files = {
        "secrets.json": _manifests(credentials, authorization),
        "nats/authorization.conf": authorization,
        "store/identities.json": identities(credentials),
        **{f"store/{name}.policy.json": policy(permissions(name), bucket) for name in SERVICES},
        "operator.json": _json(_settings(credentials, OPERATOR)),
    }
    return [_written(folder / name, text) for name, text in files.items()]


def broker_authorization(credentials: Credentials) -> str:
    """Who may connect to NATS and do what, to be included in its configuration; public halves of keys only."""
    return _json({"authorization": {"users": broker_users(credentials)}})


def policy(allowed: Permissions, bucket: str) -> str:
    """What a service may do in the bucket, as S3 servers with IAM policies read it."""
    return _json({"Version": "2012-10-17", "Statement": list(_statements(allowed, bucket))})


def _statements(allowed: Permissions, bucket: str) -> Iterator[dict[str, Any]]:
    arn = f"arn:aws:s3:::{bucket}"
    objects = {
        ("s3:GetObject",): allowed.read,
        (
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ): allowed.write,
    }
    for actions, prefixes in objects.items():
        if prefixes:
            resources = [f"{arn}/{prefix}*" for prefix in prefixes]
            yield {"Effect": "Allow", "Action": list(actions), "Resource": resources}
    of_bucket = ["s3:GetBucketLocation"]
    if "" in allowed.list:  # the gateway: it makes the bucket where it is missing, and sweeps what was left
        of_bucket += ["s3:ListBucket", "s3:CreateBucket", "s3:ListBucketMultipartUploads"]
    yield {"Effect": "Allow", "Action": of_bucket, "Resource": [arn]}
    listed = [f"{prefix}*" for prefix in allowed.list if prefix]
    if listed:
        condition = {"StringLike": {"s3:prefix": listed}}
        yield {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [arn], "Condition": condition}


def _manifests(credentials: Credentials, authorization: str) -> str:
    secrets = [_secret(f"clearstack-{name}", _settings(credentials, name)) for name in SERVICES]
    secrets.append(_secret("clearstack-nats-authorization", {"authorization.conf": authorization}))
    secrets.append(_secret("clearstack-store-identities", {"identities.json": identities(credentials)}))
    return _json({"apiVersion": "v1", "kind": "List", "items": secrets})


def _secret(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "clearstack"}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "stringData": dict(values),
    }


def _settings(credentials: Credentials, name: str) -> dict[str, str]:
    account = credentials.of(name)
    return {
        "CLEARSTACK_NATS_NKEY_SEED": account.nkey_seed,
        "CLEARSTACK_S3_ACCESS_KEY": account.s3_access_key,
        "CLEARSTACK_S3_SECRET_KEY": account.s3_secret_key,
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, text)
    return path
