"""What the audit makes of the answers of pip-audit."""

import pytest

from tools.audit import report

FINE = {"name": "fine", "version": "1", "vulns": []}
BAD = {"name": "bad", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def test_vulnerability_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A known one is named with the version that mends it."""
    assert report([FINE, BAD, UNKNOWN], "") == 1
    assert "bad 2: CVE-1; mended in 3" in capsys.readouterr().out


def test_no_vulnerability_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """It says how much was looked at, so that a gap shows."""
    assert report([FINE, UNKNOWN], "") == 0
    assert "1 of 2 packages audited" in capsys.readouterr().out


@pytest.mark.parametrize("answers", [[], [UNKNOWN]])
def test_no_answer_is_said_plainly(capsys: pytest.CaptureFixture[str], answers: list[dict[str, str]]) -> None:
    """Where nothing could be asked it does not claim that all is well."""
    assert report(answers, "traceback\nConnectionError: no route") == 0
    assert "NOT AUDITED" in capsys.readouterr().out
