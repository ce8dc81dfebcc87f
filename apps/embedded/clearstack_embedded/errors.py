"""What can go wrong with an installation, said so that a person can mend it."""


class InstallationError(Exception):
    """The installation cannot be started or used; the message says why and what to do."""


class ChildError(Exception):
    """A child process did not come up; the message is a sentence for people."""
