"""What keeps the gateway from starting."""


class SetupError(Exception):
    """The settings would not protect the API as they say; the text says what to do."""
