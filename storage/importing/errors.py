"""What can be wrong with a file of prices, in words fit for a person.

FileRefused (a PriceError)   nothing of the file can be used; the sentence says why and what to do
└── Unclear                  it could be used if one thing were said; `option` names the command's option
"""

from storage.errors import PriceError


class FileRefused(PriceError):
    """The file cannot be imported; nothing of it was written."""


class Unclear(FileRefused):
    """The file leaves something open that must not be guessed."""

    def __init__(self, option: str, message: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.option = option
        self.choices = choices
