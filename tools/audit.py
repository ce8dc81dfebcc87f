"""Asks for known vulnerabilities of everything in the lock files; fails when there are any.

Where the service with the advisories cannot be reached, it says so and does not fail: nothing is known then.

Args (command line): the program `pip-audit`, then the lock files.
"""

import json
import subprocess
import sys
from typing import Any

_OPTIONS = ("--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off", "--timeout=10")


def main(pip_audit: str, *locks: str) -> int:
    """Audits all; the exit status."""
    chosen = [f"--requirement={lock}" for lock in locks]
    done = subprocess.run([pip_audit, *_OPTIONS, *chosen], check=False, capture_output=True, text=True)
    return report(_dependencies(done.stdout), done.stderr)


def _dependencies(text: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(text)["dependencies"])
    except (ValueError, KeyError):  # it ended before it had anything to say
        return []


def report(dependencies: list[dict[str, Any]], errors: str) -> int:
    """Says what was found; 1 if there is a known vulnerability, else 0."""
    answered = [each for each in dependencies if "vulns" in each]
    vulnerable = [each for each in answered if each["vulns"]]
    for each in vulnerable:
        for known in each["vulns"]:
            fixed = ", ".join(known["fix_versions"]) or "no version yet"
            print(f"{each['name']} {each['version']}: {known['id']}; mended in {fixed}")
    if not answered:
        last = errors.strip().rpartition("\n")[2][:300]
        reason = "it knows none of the packages" if dependencies else f"it does not answer: {last}"
        print(f"NOT AUDITED: the service with the advisories cannot be asked from here ({reason}).")
    else:
        print(
            f"{len(answered)} of {len(dependencies)} packages audited, {len(vulnerable)} with vulnerabilities."
        )
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
