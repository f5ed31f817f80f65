"""Words made fit for a screen: cleaned, shortened, and spans of time as people say them."""

import unicodedata


def clean(text: str) -> str:
    """`text` without control characters, direction overrides and broken surrogates; line ends stay."""
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text if _is_shown(char))


def one_line(text: str, longest: int) -> str:
    """One line of at most `longest` characters, free of anything that could act on a screen."""
    words = " ".join(clean(text).split())
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def unfenced(text: str) -> str:
    """`text` without the marks that chats need around a table, for where every character is as wide as another."""
    return "\n".join(line for line in text.split("\n") if line != "```")


def duration(seconds: float) -> str:
    """A span of time as people say it: "0.4 s", "41 s", "3 min 05 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int) -> str:
    """A number as people write it: 1,234,567."""
    return f"{number:,}"


def money(usd: float) -> str:
    """US dollars: two digits, or as many as it takes to see what little it was."""
    return f"{usd:.2f}" if usd >= 0.01 or usd == 0 else f"{usd:.4f}"


def _is_shown(char: str) -> bool:
    if char in "\n\t":
        return True
    # Cc: controls. The overrides and isolates can make a line read other than it is.
    return unicodedata.category(char) != "Cc" and not (
        "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"
    )
