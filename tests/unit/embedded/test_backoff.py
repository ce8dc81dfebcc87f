import pytest
from clearstack_embedded.supervisor import Backoff


def test_delay_doubles_up_to_its_limit() -> None:
    """A process that dies at once is started more and more slowly."""
    backoff = Backoff()
    delays = [backoff.after(0.0) for _ in range(7)]
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_delay_is_forgotten_after_a_good_while() -> None:
    """A process that lived for half a minute is started again quickly."""
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0.0)
    assert backoff.after(30.0) == pytest.approx(0.2)
    assert backoff.after(29.9) == pytest.approx(0.4)
