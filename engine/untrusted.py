"""Text that others wrote, made safe to stand in a prompt: cleaned, bounded, and fenced as data.

The fence tells a model where data begins and ends; what holds in any case is that tools, limits, owners and
destinations are decided by code and never by text.
"""

import unicodedata

from storage.redaction import redact

CUT = " [cut]"


def clean(text: str, limit: int) -> str:
    """Visible characters only (line ends and tabs stay), without secrets, at most `limit` characters."""
    kept = "".join(
        character
        for character in text[: limit * 4]
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )
    kept = redact(kept)
    return kept if len(kept) <= limit else kept[: limit - len(CUT)] + CUT


def fence(kind: str, text: str, limit: int) -> str:
    """`text` between marks that it cannot close itself."""
    inner = clean(text, limit).replace("<", "‹").replace(">", "›")
    return f"<{kind}>\n{inner}\n</{kind}>"
