"""Names that people give: shown in terminals and on pages, and never part of a key or a path."""

_LONGEST = 200
_UNPRINTABLE = "\ufffd"


def for_people(text: str) -> str:
    """The name without what would steer a terminal, hide a part of it, or fill a screen."""
    return "".join(each if each.isprintable() else _UNPRINTABLE for each in text[:_LONGEST])


def is_meant(letters: str, *texts: str) -> bool:
    """Whether somebody who looks for these letters, large or small, means something that is called so."""
    wanted = letters.strip().casefold()
    return any(wanted in text.casefold() for text in texts)
