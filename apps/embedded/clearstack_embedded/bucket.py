"""Asking the store, with our own key, for our own bucket: more than its health page says.

The page answers before the bucket is made, and would answer for anybody's store. The one signed request is written
out here (AWS Signature Version 4) because importing an S3 client takes longer than starting the store does.
"""

import hashlib
import hmac
import http.client
from datetime import UTC, datetime

from clearstack_embedded.credentials import Account
from clearstack_embedded.health import TIMEOUT_S, split

_REGION = "us-east-1"
_SIGNED = "host;x-amz-content-sha256;x-amz-date"
_EMPTY = hashlib.sha256().hexdigest()


def bucket_exists(address: str, bucket: str, account: Account) -> bool:
    """Whether the store on `address` knows our key and has the bucket; never raises."""
    connection = http.client.HTTPConnection(*split(address), timeout=TIMEOUT_S)
    try:
        headers = _sign(address, f"/{bucket}", account, datetime.now(tz=UTC))
        connection.request("HEAD", f"/{bucket}", headers=headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _sign(host: str, path: str, account: Account, now: datetime) -> dict[str, str]:
    time = now.strftime("%Y%m%dT%H%M%SZ")
    headers = f"host:{host}\nx-amz-content-sha256:{_EMPTY}\nx-amz-date:{time}\n"
    request = f"HEAD\n{path}\n\n{headers}\n{_SIGNED}\n{_EMPTY}"
    scope = f"{time[:8]}/{_REGION}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{account.s3_secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {
        "Host": host,
        "X-Amz-Content-Sha256": _EMPTY,
        "X-Amz-Date": time,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={account.s3_access_key}/{scope}, "
        f"SignedHeaders={_SIGNED}, Signature={signature}",
    }
