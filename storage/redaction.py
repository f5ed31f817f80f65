"""Secrets are kept out of whatever is written: prompts, rows, reports, logs."""

import logging
import re

MARK = "[secret]"

_SHAPES = re.compile(
    r"""
      \bsk-[A-Za-z0-9_-]{16,}                         # OpenAI, Anthropic and their likes
    | \bxox[a-z]-[A-Za-z0-9-]{10,} | \bxapp-[A-Za-z0-9-]{10,}   # Slack
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                   # AWS
    | \bgh[pousr]_[A-Za-z0-9]{20,}                    # GitHub
    | \bAIza[A-Za-z0-9_-]{30,}                        # Google
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}          # a JSON web token
    | \b[MN][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}      # Discord
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | (?<=://)[^\s/:@]*:[^\s/@]+(?=@)                 # name and password in an address
    | (?i:(?<=bearer\ ))[A-Za-z0-9._~+/-]{12,}=*
    """,
    re.VERBOSE | re.DOTALL,
)
# Values of this process's own settings; shapes alone would miss a key such as "hunter22".
_known: set[str] = set()


def hide(*secrets: str) -> None:
    """Hide these values from now on, wherever `redact` is used in this process. Very short ones are not."""
    _known.update(secret for secret in secrets if len(secret) >= 6)


def redact(text: str) -> str:
    """The text with every known secret, and everything shaped like one, replaced."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MARK)
    return _SHAPES.sub(MARK, text)


class RedactingFormatter(logging.Formatter):
    """Writes log lines, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
