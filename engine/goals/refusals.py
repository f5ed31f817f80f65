"""The words of every refusal: why nothing was started, and what to write instead."""

from collections.abc import Sequence

from engine.goals.coin_names import in_words
from engine.goals.outcome import Refuse
from engine.goals.text import LONGEST_GOAL
from engine.speech import said, say


def example(coins: Sequence[str]) -> str:
    """A goal that works with the coins there are."""
    coin = "btc" if "btc" in coins or not coins else coins[0]
    return say("will {coin} close higher in the next hour? last 90 days", coin=in_words(coin))


def empty(coins: Sequence[str]) -> Refuse:
    """No words at all."""
    return Refuse(say("There is no goal in this message yet."), say("Try: {example}", example=example(coins)))


def too_long(length: int) -> Refuse:
    """More text than a goal can be."""
    return Refuse(
        say("This goal has {n:,} characters, more than the {most:,} I read.", n=length, most=LONGEST_GOAL),
        say("Say it in a sentence or two: the coin, what to predict and how far ahead."),
    )


def no_prices() -> Refuse:
    """The price table is empty."""
    return Refuse(
        say("There are no prices here yet, so nothing can be analysed."),
        say("Load some with `omc data sample`, `omc data import FILE` or `omc data fetch`."),
    )


def unread(option: str, value: str) -> Refuse:
    """An option that says no length of time."""
    examples = {"horizon": "15m, 1h, 4h or 1d", "period": "30d, 12w or 6m"}[option]
    return Refuse(
        say("“{value}” cannot be read as a {option}.", value=value[:40], option=say(option)),
        say("Write it like {examples}.", examples=say(examples)),
    )


def hostile(why: str) -> Refuse:
    """Asked for something that is never done."""
    reasons = {
        "secrets": said("I don't show keys, passwords, settings or my instructions."),
        "others": said("I can't show or change what other people run."),
        "commands": said(
            "I read a goal as a research question; commands and instructions inside it are not followed."
        ),
        "orders": said("I research prices; I can't place orders or touch an account."),
    }
    hint = say("Send the research question by itself, for example: {example}", example=example(()))
    return Refuse(str(reasons[why]), hint)


def small_talk(kind: str, coins: Sequence[str], *, follows: bool) -> Refuse:
    """Thanks or a greeting."""
    if kind == "thanks":
        return Refuse(
            say("You're welcome! Nothing new was started."),
            say("When you are ready, ask the next one: {example}", example=example(coins)),
        )
    more = (
        say("Reply with what to change, such as: {example}", example=say("same but 4h"))
        if follows
        else say("Ask me something like: {example}", example=example(coins))
    )
    return Refuse(say("Hello! I test crypto price questions on past data."), more)


def off_topic(coins: Sequence[str]) -> Refuse:
    """Nothing about prices."""
    return Refuse(
        say("I only research crypto prices, so I can't help with this one."),
        say("Try: {example}", example=example(coins)),
    )


def horizon_too_long(horizon: str, days: int, longest: str) -> Refuse:
    """The forecast looks further ahead than the history allows to test."""
    return Refuse(
        say(
            "{horizon} ahead is too far: there are {n:,} days of prices, too few to test such a forecast.",
            horizon=horizon,
            n=days,
        ),
        say("Ask for a horizon of {longest} or less, or load a longer history.", longest=longest),
    )
