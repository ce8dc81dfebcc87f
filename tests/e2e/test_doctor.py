"""`clearstack doctor` on a real installation, whole and broken."""

import json
import subprocess
from typing import Any

from e2e.support.installation import CLEARSTACK, RunningInstallation, clean_environment


def _doctor(installation: RunningInstallation) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """The exit code, and the findings by what was looked at."""
    command = (CLEARSTACK, "doctor", "--json", "--data", str(installation.data))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
    findings: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        findings.setdefault(each["check"], []).append(each)
    return done.returncode, findings


def test_whole_and_without_a_broker(victim: RunningInstallation) -> None:
    """Nothing is bad at first; with the broker away it is named, the gateway answers, and the store is well."""
    code, whole = _doctor(victim)
    bad = [each for several in whole.values() for each in several if each["verdict"] == "VERDICT_BAD"]
    assert (code, bad) == (0, [])
    assert [each["found"].split(":")[0] for each in whole["workers"]] == [
        "trainer",
        "mask-extractor",
        "inference",
    ]
    assert {
        each["verdict"] for check in ("broker", "streams", "workers", "store") for each in whole[check]
    } == {"VERDICT_OK"}
    with victim.away("broker"):
        code, broken = _doctor(victim)
    assert code == 1
    mends = [
        (check, each["mend"])
        for check, several in broken.items()
        for each in several
        if each["verdict"] == "VERDICT_BAD"
    ]
    assert {check for check, _ in mends} == {"processes", "broker", "records"}
    assert all(mend for _, mend in mends)
    assert broken["store"][0]["verdict"] == "VERDICT_OK"
