"""What a run may spend on language models: checked before each call, shown while it grows, ended in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from engine.llm.prices import PriceTable, parse_prices
from engine.speech import figures, say
from storage import events, sessions, usage
from storage.usage import Call, Cap, Refused, Reserved, Scope, Spent

if TYPE_CHECKING:
    from engine.work import Work

SCOPES: dict[Scope, str] = {
    "session": "of this run",
    "user_day": "of its owner for today",
    "day": "of everybody for today",
}


class BudgetSettings(BaseSettings):
    """Limits in tokens and in US dollars; 0 means that no language model is asked."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    budget_session_tokens: int | None = Field(200_000, ge=0, description="Tokens one run may use.")
    budget_session_usd: float | None = Field(1.0, ge=0, description="Dollars one run may cost.")
    budget_user_day_tokens: int | None = Field(
        1_000_000, ge=0, description="Tokens one person may use a day."
    )
    budget_user_day_usd: float | None = Field(5.0, ge=0, description="Dollars one person may spend a day.")
    budget_day_tokens: int | None = Field(10_000_000, ge=0, description="Tokens everybody may use a day.")
    budget_day_usd: float | None = Field(50.0, ge=0, description="Dollars everybody may spend a day.")
    budget_alert_percent: float = Field(
        80.0, gt=0, le=100, description="The thread is told when so much of a limit is used."
    )
    budget_approval_usd: float = Field(
        0.5, ge=0, description="A plan whose estimate passes this is run after somebody agreed."
    )
    llm_prices: Annotated[dict[str, tuple[float, float]], NoDecode] = Field(
        default_factory=dict,
        description="Dollars per million tokens: model=in/out,model=in/out, or a TOML file of model = [in, out].",
    )

    @field_validator("llm_prices", mode="before")
    @classmethod
    def _read_prices(cls, value: Any) -> Any:
        return parse_prices(value) if isinstance(value, str) else value

    def caps(self, own_limit_usd: float | None = None) -> tuple[Cap, ...]:
        """The limits of a run whose owner set one of their own, which can only lower it."""
        limits = [usd for usd in (self.budget_session_usd, own_limit_usd) if usd is not None]
        return (
            Cap("session", self.budget_session_tokens, min(limits, default=None)),
            Cap("user_day", self.budget_user_day_tokens, self.budget_user_day_usd),
            Cap("day", self.budget_day_tokens, self.budget_day_usd),
        )


@dataclass(frozen=True)
class Estimate:
    """What a run will probably use; `measured` when earlier runs with the model say so, `priced` when its price is known."""

    model: str
    tokens: int
    usd: float
    measured: bool
    priced: bool = True


@dataclass(frozen=True)
class OverCap:
    """A call that may not be made, in words."""

    message: str


class Budget:
    """One run's purse."""

    def __init__(self, work: "Work", settings: BudgetSettings, prices: PriceTable) -> None:
        self._work = work
        self._settings = settings
        self._prices = prices
        self._caps = settings.caps(_own_limit(work.assignment.preferences))

    def reserve(
        self, agent: str, model: str, input_tokens: int, most_output: int, least_output: int
    ) -> Reserved | OverCap:
        """Take what a call can come to out of the purse, with as long an answer as is left for it.

        Where not even an answer of `least_output` tokens could be paid, say which limit is in its way. Raises LeaseLost.
        """
        price = self._prices.find(model)
        call = Call(
            agent,
            model,
            input_tokens,
            most_output,
            min(least_output, most_output),
            price.input_usd / 1e6,
            price.output_usd / 1e6,
        )
        with self._work.database.begin() as db:
            outcome = usage.reserve(db, self._work.lease, self._caps, call)
        match outcome:
            case Refused(cap=cap, spent=spent):
                with self._work.speaking():  # the thread is told first of all; the report quotes it
                    return OverCap(_refused(cap, spent))
            case Reserved():
                return outcome

    def settle(self, usage_id: int, model: str, input_tokens: int, output_tokens: int) -> float:
        """Put the true figures in, show the meter, warn near a limit; returns what the call cost. Raises LeaseLost."""
        work, price = self._work, self._prices.find(model)
        cost = price.of(input_tokens, output_tokens)
        with work.database.begin() as db:
            row = sessions.held(db, work.lease)
            usage.settle(db, usage_id, input_tokens=input_tokens, output_tokens=output_tokens, cost_usd=cost)
            db.flush()
            spent = usage.spent_by_scope(db, session_id=row.id, owner_id=row.owner_id)
            key, meter = self._meter(spent["session"], is_priced=price.known)
            events.append(db, row.id, key, "usage", meter)
            for cap in self._caps:
                used = _share(cap, spent[cap.scope])
                if used * 100 >= self._settings.budget_alert_percent:
                    events.append(db, row.id, f"budget:{cap.scope}", "note", {"text": self._alert(cap, used)})
        return cost

    def estimate(self, model: str) -> Estimate:
        """What a run with this model will probably use: the median of earlier ones, or the standard goal's."""
        with self._work.database.begin() as db:
            known = usage.typical(db, model)
        read, wrote = known or STANDARD
        price = self._prices.find(model)
        return Estimate(model, read + wrote, price.of(read, wrote), known is not None, price.known)

    def spent(self) -> Spent:
        """What this run has spent so far."""
        with self._work.database.begin() as db:
            return usage.of_session(db, self._work.lease.session_id)

    def _meter(self, spent: Spent, *, is_priced: bool) -> tuple[str, dict[str, Any]]:
        """What the card shows of the money, and the key under which it is told once."""
        cap = self._caps[0]
        return f"usage:{spent.calls}:{spent.tokens}", {
            "tokens": spent.tokens,
            "usd": spent.usd,
            "calls": spent.calls,
            "cap_tokens": cap.tokens,
            "cap_usd": cap.usd,
            "priced": is_priced,
        }

    def _alert(self, cap: Cap, used: float) -> str:
        with self._work.speaking():
            return say(
                "{share:.0%} of the model budget {whose} is used ({limit}).",
                share=used,
                whose=say(SCOPES[cap.scope]),
                limit=_limit(cap),
            )


# Tokens read and written by a whole run of the standard goal (up or down of one coin, an hour ahead, 90 days).
STANDARD = (34_000, 2_000)


def _refused(cap: Cap, spent: Spent) -> str:
    values = {"whose": say(SCOPES[cap.scope]), "spent": written(spent), "limit": _limit(cap)}
    if _share(cap, spent) >= 1:
        return say("The model budget {whose} is used up ({spent} of {limit}).", **values)
    return say(
        "The model budget {whose} leaves too little for another answer ({spent} of {limit} used).", **values
    )


def written(spent: Spent) -> str:
    """Tokens and money as people read them."""
    return say("{n:,} tokens, {cost}", n=spent.tokens, cost=dollars(spent.usd))


def dollars(usd: float) -> str:
    """Money with as many places as it takes to see something."""
    return f"${figures(f'{usd:.2f}' if usd >= 0.1 or usd == 0 else f'{usd:.4f}')}"


def _limit(cap: Cap) -> str:
    parts = [say("{n:,} tokens", n=cap.tokens) if cap.tokens is not None else ""]
    parts.append(f"${figures(f'{cap.usd:.2f}')}" if cap.usd is not None else "")
    return ", ".join(part for part in parts if part)


def _share(cap: Cap, spent: Spent) -> float:
    """How much of a limit is used, as a fraction; of the tighter one."""
    parts = [spent.tokens / cap.tokens if cap.tokens else 0.0, spent.usd / cap.usd if cap.usd else 0.0]
    return max(parts)


def _own_limit(preferences: dict[str, Any]) -> float | None:
    """The dollars that the owner allowed this run, from its preference `budget`."""
    try:
        return max(0.0, float(str(preferences["budget"]).strip().lstrip("$")))
    except (KeyError, ValueError):
        return None
