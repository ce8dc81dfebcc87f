"""docs/troubleshooting.md is found by the words of the messages: both sides must say the same."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_CODE = [
    path.read_text() for folder in ("libs", "services", "apps") for path in (ROOT / folder).rglob("*.py")
]

MESSAGES = [
    "Insufficient Stack Depth for 2.5D",
    "There is nothing to remove",
    "The stack is not measured yet",
    "--method auto takes",
    "Trained on the CPU, which is slower than a GPU",
    "waits for its turn, number",
    "Reduce the batch size or the patch size",
    "No structured noise detected",
    "The active pixels are scattered as if by chance",
    "residual is white",
    "structured noise was removed",
    "structure remains: try autoStructN2V",
    "structure remains: stage 2 is for that",
    "structure remains: widen the mask",
    "stage 2 is worse than stage 1",
    "signal was lost",
    "no noise was found",
    "The result is complete, but has no report",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_has_its_paragraph(message: str) -> None:
    """What a person reads on the screen is what they find on the page."""  # spec: G
    page = " ".join((ROOT / "docs/troubleshooting.md").read_text().split())
    assert message.lower() in page.lower()
    assert any(message in text for text in _CODE)
