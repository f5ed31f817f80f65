"""What can go wrong in a conversation, in words fit for a person.

BotError
├── Refusal         a command that is not carried out: it says why and what to do instead
│   └── NoPrices    there is nothing to analyse yet
└── PlatformError   a chat platform did not do what it was asked
    ├── TryLater    it may work later: an outage, a limit on the rate
    └── Rejected    it will never work: the thread is gone, the bot was shut out
"""


class BotError(Exception):
    """An expected failure; its text can be shown as it is. `exit_status` is the command line's."""

    exit_status = 1


class Refusal(BotError):
    """A command that is not carried out."""

    exit_status = 2


class NoPrices(Refusal):
    """There are no prices to analyse."""

    exit_status = 4


class PlatformError(BotError):
    """A chat platform did not do what it was asked."""


class TryLater(PlatformError):
    """The platform could not do it now.

    `seconds` is how long it asks to be left alone, if it says so. `in_doubt` is True when the request may have
    been carried out all the same (the connection broke before the answer came).
    """

    def __init__(self, message: str, *, seconds: float | None = None, in_doubt: bool = True) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.in_doubt = in_doubt

    @property
    def is_patience(self) -> bool:
        """Whether the platform only asks to be left alone for a while: nothing is wrong with what it was sent."""
        return self.seconds is not None and not self.in_doubt


class Rejected(PlatformError):
    """The platform will not do it, however often it is asked."""
