"""The planning node: a sentence becomes a typed spec, or a question, or a refusal with its reason."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from langgraph.runtime import Runtime

from engine import goals, repeats, speech
from engine.budget import Estimate, dollars
from engine.errors import Cancelled, Refused
from engine.goals import Ask, Coverage, Outcome, Refuse, Run, Spec, refusals
from engine.memory import recall
from engine.proposal import Thought, merge, propose
from engine.speech import said, say, speaking
from engine.state import AgentState
from engine.work import Work
from storage import prices

STALE_AFTER = timedelta(days=1)
APPROVAL = "approval"
# So often one question may be answered before the run gives up on it.
MOST_ANSWERS = 3
APPROVALS = GO_ON, WITHOUT, STOP = "Go on", "Without the model, at no cost", "Stop"


def plan(state: AgentState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Read the goal against the prices there are, with a model's help if there is one. Raises Refused, Cancelled."""
    with runtime.context.speaking():
        return _plan(state, runtime.context)


def _plan(state: AgentState, work: Work) -> dict[str, Any]:
    work.enter("planning")
    repeated = repeats.plan(work)
    if repeated is not None:
        return _again(work, repeated)
    held = held_prices(work)
    given = (state.get("answers") or {}).get("planning", [])
    answers = [(a["about"], a["text"]) for a in given if a["about"] != APPROVAL]
    approval = [_approved(a["text"]) for a in given if a["about"] == APPROVAL]
    assignment = work.assignment

    def read(preferences: Mapping[str, Any]) -> Outcome:
        own = dict(state["preferences"])
        defaults = own.pop("defaults", None) or {}
        return read_goal(
            state["goal"],
            held,
            after=assignment.follows,
            preferences={**preferences, **own},
            answers=answers,
            defaults=defaults,
        )

    reading = read({})
    thinking = dict(state.get("thinking") or {})
    thought = Thought()
    filled: tuple[str, ...] = ()
    estimate = None
    if work.models.problem and not thinking.get("offline"):
        _go_offline(work, thinking, work.models.problem)
    if work.models.are_there and not thinking.get("offline") and _can_be_helped(reading, held):
        estimate = work.budget.estimate(work.models.settings.default_model)
        if isinstance(reading, Run) and estimate.usd > work.budgets.budget_approval_usd and not approval:
            return _asked(_approval(reading.spec, estimate))
        if approval and approval[-1] == STOP:
            raise Cancelled
        if approval and approval[-1] != GO_ON:
            thinking["offline"], estimate = "Its owner chose to do without a model.", None
        else:
            thought = _thought(work, state, reading, held)
            if thought.offline:
                estimate = None
                _go_offline(work, thinking, thought.offline)
            if thought.primary_down and "primary_down" not in thinking:
                thinking["primary_down"] = thought.primary_down
                text = say(
                    "{why} Going on with {model}.",
                    why=say(thought.primary_down),
                    model=work.models.settings.llm_fallback_model,
                )
                work.tell("model:fallback", "note", {"text": text})
            reading, filled = merge(reading, thought, read)
    told = {"proposal": asdict(thought), "thinking": thinking}
    match reading:
        case Refuse(reason=reason, hint=hint):
            raise Refused(reason, hint, no_data=not held)
        case Ask() if sum(about == reading.about for about, _ in answers) >= MOST_ANSWERS:
            # Asked for ever, it would be answered for ever where nobody sits: by the recommended choice.
            raise Refused(
                say("The answers did not settle this: {question}", question=reading.question),
                say("Say it in the goal itself, in other words."),
            )
        case Ask():
            own = (
                thought.question if thought.question and thought.question["about"] == reading.about else None
            )
            question = own or {
                "about": reading.about,
                "question": " ".join([*(_read_as(reading.draft) if reading.draft else ()), reading.question]),
                "choices": [say(choice) for choice in reading.choices],
                "recommended": say(reading.recommended),
            }
            return {**_asked(question), **told}
        case Run(spec=spec) if (
            thought.question and not answers and thought.question["about"] not in spec.stated
        ):
            return {**_asked(thought.question), **told}
        case Run(spec=spec):
            written = spec.as_dict()
            work.enter("planning", spec=written)
            remembered = [one.sentence(written) for one in recall(work, written)]
            understood = (
                (say("Understood as: {why}", why=thought.why),)
                if thought.why and (filled or thought.question)
                else ()
            )
            payload = {
                "spec": written,
                "reasons": dict(spec.reasons),
                "notes": [*_read_as(spec), *_staleness(held, spec.coins), *understood, *remembered],
            }
            if estimate is not None:
                payload["estimate"] = asdict(estimate)
            work.tell("planned", "planned", payload)
            return {"spec": written, "clarification": None, "current_step": "planning", **told}


def _go_offline(work: Work, thinking: dict[str, Any], why: str) -> None:
    thinking["offline"] = why
    text = say("{why} The run goes on with the offline planner.", why=say(why))
    work.tell("model:offline", "note", {"text": text})


def _thought(work: Work, state: AgentState, reading: Outcome, held: Mapping[str, Coverage]) -> Thought:
    """What the model makes of the goal; what it said before a question is kept, not paid again."""
    before = state.get("proposal")
    if before is not None:
        return Thought(**before)
    coins = {coin: f"{one.start:%Y-%m-%d} to {one.end:%Y-%m-%d}" for coin, one in held.items()}
    spec = reading.spec if isinstance(reading, Run) else getattr(reading, "draft", None)
    written = spec.as_dict() if spec else {}
    earlier = [one.sentence(written) for one in recall(work, written)]
    return propose(work, state["goal"], reading, coins, earlier)


def _can_be_helped(reading: Outcome, held: Mapping[str, Coverage]) -> bool:
    """Whether there is something to think about: a run, a question, or a goal the grammar could not place."""
    return not isinstance(reading, Refuse) or reading == refusals.off_topic(sorted(held))


def _asked(question: Mapping[str, Any]) -> dict[str, Any]:
    return {"clarification": {"stage": "planning", **question}, "current_step": "planning"}


def _approval(spec: Spec, estimate: Estimate) -> dict[str, Any]:
    written = spec.as_dict()
    parts = [f"{', '.join(coin.upper() for coin in spec.coins)} {say(spec.target or 'a look at the data')}"]
    if written["horizon"]:
        parts.append(say("{horizon} ahead", horizon=written["horizon"]))
    if spec.period_days:
        parts.append(say("{n:g} days", n=spec.period_days))
    return {
        "about": APPROVAL,
        "question": say(
            "The plan: {plan}. With {model} this will take about {tokens:,} tokens, {cost} ({how}). Shall I go on?",
            plan=", ".join([*parts, *spec.models]),
            model=estimate.model,
            tokens=estimate.tokens,
            cost=dollars(estimate.usd) if estimate.priced else say("price unknown"),
            how=say("as earlier runs used") if estimate.measured else say("by rule of thumb"),
        ),
        "choices": [say(choice) for choice in APPROVALS],
        "recommended": say(WITHOUT),
    }


def _approved(text: str) -> str:
    """The choice that an answer picked, whatever the language it was offered in."""
    return next(
        (choice for choice in APPROVALS if text.casefold() in (choice.casefold(), say(choice).casefold())),
        text,
    )


def _read_as(spec: Spec) -> list[str]:
    """A sentence for each misspelt word that was taken for a coin."""
    prefix = "read_as:"
    return [
        say("I read “{word}” as {coin}.", word=word, coin=slot.removeprefix(prefix).upper())
        for slot, word in spec.reasons.items()
        if slot.startswith(prefix)
    ]


def _again(work: Work, repeated: dict[str, Any]) -> dict[str, Any]:
    """The plan of an earlier run, and what was chosen on the way: nothing is read or asked again."""
    spec, run = repeated["spec"], repeated["run"]
    work.enter("planning", spec=spec)
    note = said(
        "This repeats {run}: its seed, its prices, its plan, and the trials that counted then.", run=run
    )
    work.tell("planned", "planned", {"spec": spec, "reasons": spec.get("reasons", {}), "notes": [str(note)]})
    with speaking("en"):
        kept = str(note)
    finding = {"summary": kept, "handles": {}, "facts": {"recipe": repeated["recipe"]}}
    return {
        "spec": spec,
        "findings": {"planning": finding},
        "clarification": None,
        "current_step": "planning",
    }


def read_goal(
    goal: str,
    held: Mapping[str, Coverage],
    *,
    after: dict[str, Any] | None = None,
    preferences: dict[str, Any] | None = None,
    answers: list[tuple[str, str]] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Run | Ask | Refuse:
    """Read a goal at the end of the newest bar held: first of any coin, then of the coins it names.

    `defaults` stand in for what neither the goal nor its options say.
    """

    def read(now: datetime) -> Run | Ask | Refuse:
        return goals.read(
            goal,
            now=now,
            coverage=held,
            after=Spec.from_dict(after) if after else None,
            preferences=preferences,
            answers=answers or (),
            defaults=defaults,
        )

    newest = max((coverage.end for coverage in held.values()), default=datetime.now(UTC))
    reading = read(newest)
    if isinstance(reading, Run):
        ends = [held[coin].end for coin in (*reading.spec.coins, *reading.spec.driver_coins) if coin in held]
        if ends and min(ends) < newest:
            return read(min(ends))
    return reading


def held_prices(work: Work) -> dict[str, Coverage]:
    """What is held of each coin in its default series."""
    with work.database.begin() as db:
        connection = db.connection()
        rows = prices.coverage(connection)
        chosen = {coin: prices.default_series(connection, [coin]) for coin in {row.coin for row in rows}}
    return {row.coin: Coverage(row.start, row.end) for row in rows if chosen[row.coin] == row.series}


def _staleness(held: Mapping[str, Coverage], coins: tuple[str, ...]) -> list[str]:
    """A sentence when the newest prices are more than a day behind the clock."""
    newest = min((held[coin].end for coin in coins if coin in held), default=None)
    if newest is None or datetime.now(UTC) - newest <= STALE_AFTER:
        return []
    return [
        say(
            "The newest price is {n:,} days old ({newest} UTC): “now” means that moment throughout this run.",
            n=(datetime.now(UTC) - newest).days,
            newest=speech.minute(newest),
        )
    ]
