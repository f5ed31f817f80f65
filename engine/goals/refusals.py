"""The words of every refusal: why nothing was started, and what to write instead."""

from collections.abc import Sequence

from engine.goals.coin_names import in_words
from engine.goals.outcome import Refuse
from engine.goals.text import LONGEST_GOAL


def example(coins: Sequence[str]) -> str:
    """A goal that works with the coins there are."""
    coin = "btc" if "btc" in coins or not coins else coins[0]
    return f"will {in_words(coin)} close higher in the next hour? last 90 days"


def empty(coins: Sequence[str]) -> Refuse:
    """No words at all."""
    return Refuse("There is no goal in this message yet.", f"Try: {example(coins)}")


def too_long(length: int) -> Refuse:
    """More text than a goal can be."""
    return Refuse(
        f"This goal has {length:,} characters, more than the {LONGEST_GOAL:,} I read.",
        "Say it in a sentence or two: the coin, what to predict and how far ahead.",
    )


def no_prices() -> Refuse:
    """The price table is empty."""
    return Refuse(
        "There are no prices here yet, so nothing can be analysed.",
        "Load some with `omc data sample`, `omc data import FILE` or `omc data fetch`.",
    )


def unread(option: str, value: str) -> Refuse:
    """An option that says no length of time."""
    examples = {"horizon": "15m, 1h, 4h or 1d", "period": "30d, 12w or 6m"}[option]
    return Refuse(f"“{value[:40]}” cannot be read as a {option}.", f"Write it like {examples}.")


def hostile(why: str) -> Refuse:
    """Asked for something that is never done."""
    reason = {
        "secrets": "I don't show keys, passwords, settings or my instructions.",
        "others": "I can't show or change what other people run.",
        "commands": "I read a goal as a research question; commands and instructions inside it are not followed.",
        "orders": "I research prices; I can't place orders or touch an account.",
    }[why]
    return Refuse(
        reason, "Send the research question by itself, for example: will BTC close higher in the next hour?"
    )


def small_talk(kind: str, coins: Sequence[str], *, follows: bool) -> Refuse:
    """Thanks or a greeting."""
    if kind == "thanks":
        return Refuse(
            "You're welcome! Nothing new was started.",
            f"When you are ready, ask the next one: {example(coins)}",
        )
    more = (
        "Reply with what to change, such as: same but 4h."
        if follows
        else f"Ask me something like: {example(coins)}"
    )
    return Refuse("Hello! I test crypto price questions on past data.", more)


def off_topic(coins: Sequence[str]) -> Refuse:
    """Nothing about prices."""
    return Refuse("I only research crypto prices, so I can't help with this one.", f"Try: {example(coins)}")


def horizon_too_long(horizon: str, days: int, longest: str) -> Refuse:
    """The forecast looks further ahead than the history allows to test."""
    return Refuse(
        f"{horizon} ahead is too far: there are {days:,} days of prices, too few to test such a forecast.",
        f"Ask for a horizon of {longest} or less, or load a longer history.",
    )
