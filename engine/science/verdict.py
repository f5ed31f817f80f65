"""The verdict: edge, no edge or not enough data, with its reason in words.

An edge is claimed only when one rule, corrected for everything tried, is positive after costs (p <= 0.05), positive
before them (p <= 0.05), positive in most folds and positive on the sealed span. A return must also be forecast better
than every reference; a volatility is judged by that alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from math import sqrt

import numpy as np

from engine.science import costs
from engine.science.bars import Floats
from engine.science.candidates import LATE, NET, SIGNAL, Candidate, duration, fold_sums, skill_tests
from engine.science.ledger import Family
from engine.science.metrics import Estimate
from engine.science.study import Study
from engine.speech import Said, said

ALPHA = 0.05
PROMISING = 0.25
SMALLEST_BLOCKS = 30

# One-sided 5 % with 24 tries and 80 % power on a correlation; gain of the best tenth of bars in deviations.
_DETECTABLE = 3.34
_GAIN = 2.06
_DETECTABLE_SKILL = 0.5


class Decision(StrEnum):
    """The three answers there are."""

    EDGE = "edge"
    NO_EDGE = "no_edge"
    NOT_ENOUGH_DATA = "not_enough_data"


class Finding(StrEnum):
    """What lies behind the decision."""

    CONFIRMED = "confirmed"
    NOTHING_FOUND = "nothing_found"
    COSTS_EAT_IT = "costs_eat_it"
    ONE_BAR_ONLY = "one_bar_only"
    NOT_CONFIRMED = "not_confirmed"
    TOO_SHORT = "too_short"


@dataclass(frozen=True)
class Sealed:
    """The sealed span, opened once for the chosen rule.

    `result` is the sum of the verdict's test series there (net and without mean exposure, or the gain over the hardest
    reference); `return_after_costs` what an account made, None for a volatility.
    """

    start: datetime
    end: datetime
    bars: int
    result: float
    return_after_costs: float | None
    buy_and_hold: float
    skill: float | None

    @property
    def is_positive(self) -> bool:
        """Say whether it confirms: the tested result is positive and the account, if there is one, gained."""
        return self.result > 0 and (self.return_after_costs is None or self.return_after_costs > 0)


@dataclass(frozen=True)
class PValues:
    """Corrected p-values: of the chosen rule (`net`, `skill`), and of the best rule (`signal`, `late`).

    `chosen_signal` is the chosen rule's own. None where the target has no such test.
    """

    net: float | None
    signal: float | None
    late: float | None
    chosen_signal: float | None
    skill: float | None

    @property
    def deciding(self) -> float:
        """The largest of those an edge needs."""
        return max(p for p in (self.net, self.chosen_signal, self.skill) if p is not None)


@dataclass(frozen=True)
class Evidence:
    """What the decision rests on. `blocks` are independent pieces of time at the length of the test."""

    p: PValues
    blocks: int
    folds_positive: int
    folds: int
    least_detectable: float
    least_paying: float | None
    sealed: Sealed


@dataclass(frozen=True)
class Verdict:
    """One coin's verdict; `reason` is one sentence with the numbers that decided. `tried` counts this run's rules."""

    coin: str
    decision: Decision
    finding: Finding
    why: Said
    evidence: Evidence
    tried: int
    tried_before: int
    block_minutes: int
    bars: int

    @property
    def reason(self) -> str:
        return str(self.why)

    @property
    def p_value(self) -> float:
        """The largest of the p-values an edge needs."""
        return self.evidence.p.deciding


def choose(study: Study, family: Family, own: Sequence[Candidate]) -> Candidate:
    """Return the rule the verdict speaks of: the strongest in its deciding test among those that answer the question.

    `own` are the coin's candidates; the family holds those of every coin of the goal.
    """
    eligible = [candidate for candidate in own if not candidate.is_scout]
    if study.question.target == "volatility":
        by_test = [family.statistics(test) for test in skill_tests(study)]
        strength = np.min(by_test, axis=0)
    else:
        strength = family.statistics(NET)
    place = {id(trial): number for number, trial in enumerate(family.own)}
    return max(eligible, key=lambda candidate: float(strength[place[id(candidate.trial)]]))


def decide(
    study: Study, family: Family, own: Sequence[Candidate], chosen: Candidate, sealed: Sealed, seed: int
) -> Verdict:
    """Return the verdict on one coin. The same inputs and seed give the same verdict."""
    place = {id(trial): number for number, trial in enumerate(family.own)}
    at = place[id(chosen.trial)]
    mine = [place[id(candidate.trial)] for candidate in own]
    deciding = skill_tests(study) if study.question.target == "volatility" else (NET,)
    sums = [fold_sums(study, chosen.tests[test]) for test in deciding]
    positive = [all(fold > 0 for fold in folds) for folds in zip(*sums, strict=True)]
    evidence = Evidence(
        p=_p_values(study, family, mine, at, seed),
        blocks=family.block_count(at, deciding[0]),
        folds_positive=sum(positive),
        folds=len(positive),
        least_detectable=least_detectable(study.judged_bars, chosen.horizon_bars),
        least_paying=_least_paying(study, chosen),
        sealed=sealed,
    )
    finding = _finding(evidence)
    return Verdict(
        coin=study.coin,
        decision=_DECISION[finding],
        finding=finding,
        why=_reason(finding, evidence, study, chosen, family),
        evidence=evidence,
        tried=len(family.own),
        tried_before=len(family.earlier),
        block_minutes=family.block_minutes,
        bars=study.judged_bars,
    )


def explain(verdict: Verdict, metrics: Mapping[str, Estimate]) -> Verdict:
    """Add to a verdict of nothing found that the forecasts are right more often than not, where they are.

    A reader of the table would ask: being right and earning are two things, and only the second was tested above.
    """
    right = metrics.get("balanced_accuracy")
    if verdict.finding is not Finding.NOTHING_FOUND or right is None or right.low <= 0.5:
        return verdict
    more = said(
        "{reason} Its side is right in {right} of cases ({low} to {high}), "
        "but not on moves large enough for its trades to stand out from luck.",
        reason=verdict.why,
        right=_share(right.value),
        low=_share(right.low),
        high=_share(right.high),
    )
    return replace(verdict, why=more)


def is_near(study: Study, family: Family, own: Sequence[Candidate], seed: int) -> bool:
    """Say whether better settings could still change the answer; the sealed span stays closed.

    So it is where nothing passes yet, the data could show an edge that pays, and the best pattern before costs (of a
    volatility: the gain) at a horizon asked for is near to showing. A hopeless one gains nothing, a scouted horizon
    cannot be the answer, and each try costs power.
    """
    place = {id(trial): number for number, trial in enumerate(family.own)}
    chosen = choose(study, family, own)
    at = place[id(chosen.trial)]
    mine = [place[id(candidate.trial)] for candidate in own if not candidate.is_scout]
    p = _p_values(study, family, mine, at, seed)
    deciding = skill_tests(study)[0] if study.question.target == "volatility" else NET
    paying = _least_paying(study, chosen)
    needed = _DETECTABLE_SKILL if paying is None else paying
    enough = (
        family.block_count(at, deciding) >= SMALLEST_BLOCKS
        and least_detectable(study.judged_bars, chosen.horizon_bars) <= needed
    )
    signal = p.deciding if p.signal is None else p.signal
    return enough and p.deciding > ALPHA and ALPHA < signal <= PROMISING


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that speaks for a goal of several coins: an edge if any has one, else no edge if any is
    known to have none, else not enough data; among equals the one with the smallest deciding p-value."""
    rank = {Decision.EDGE: 0, Decision.NO_EDGE: 1, Decision.NOT_ENOUGH_DATA: 2}
    return min(verdicts, key=lambda verdict: (rank[verdict.decision], verdict.p_value))


def least_detectable(bars: int, horizon_bars: int) -> float:
    """Return the least correlation of forecast and outcome that so many bars can show: 3.34 / sqrt(bars / h)."""
    return _DETECTABLE / sqrt(max(bars, 1) / horizon_bars)


def least_paying(cost: float, volatility_per_bar: float, horizon_bars: int) -> float:
    """Return the least correlation that pays a round trip: 2 cost / (2.06 volatility sqrt(h)).

    Costs below the usual ones count as the usual: without a floor a question "without fees" could never be answered,
    because any correlation, however small, would pay.
    """
    charged = max(cost, costs.DEFAULT_BPS / 10_000)
    return 2 * charged / (_GAIN * max(volatility_per_bar, 1e-9) * sqrt(horizon_bars))


def _p_values(study: Study, family: Family, mine: Sequence[int], at: int, seed: int) -> PValues:
    skills = [float(family.p_values(test, seed)[at]) for test in skill_tests(study)]
    skill = max(skills) if skills else None
    if study.question.target == "volatility":
        return PValues(None, None, None, None, skill)
    net, signal, late = (family.p_values(test, seed) for test in (NET, SIGNAL, LATE))
    best: Floats = signal[list(mine)]
    best_late: Floats = late[list(mine)]
    return PValues(float(net[at]), float(best.min()), float(best_late.min()), float(signal[at]), skill)


def _least_paying(study: Study, chosen: Candidate) -> float | None:
    if study.question.target == "volatility":
        return None
    return least_paying(study.cost.share, study.volatility_per_bar, chosen.horizon_bars)


def _finding(evidence: Evidence) -> Finding:
    p = evidence.p
    if evidence.blocks < SMALLEST_BLOCKS:
        return Finding.TOO_SHORT
    if p.deciding <= ALPHA:
        confirmed = evidence.folds_positive * 2 > evidence.folds and evidence.sealed.is_positive
        return Finding.CONFIRMED if confirmed else Finding.NOT_CONFIRMED
    needed = _DETECTABLE_SKILL if evidence.least_paying is None else evidence.least_paying
    if evidence.least_detectable > needed:
        return Finding.TOO_SHORT
    if p.signal is None or p.signal > ALPHA:
        return Finding.NOTHING_FOUND
    return Finding.ONE_BAR_ONLY if p.late is not None and p.late > ALPHA else Finding.COSTS_EAT_IT


_DECISION = {
    Finding.CONFIRMED: Decision.EDGE,
    Finding.NOT_CONFIRMED: Decision.NO_EDGE,
    Finding.NOTHING_FOUND: Decision.NO_EDGE,
    Finding.COSTS_EAT_IT: Decision.NO_EDGE,
    Finding.ONE_BAR_ONLY: Decision.NO_EDGE,
    Finding.TOO_SHORT: Decision.NOT_ENOUGH_DATA,
}


def _reason(finding: Finding, e: Evidence, study: Study, chosen: Candidate, family: Family) -> Said:
    p, sealed = e.p, e.sealed
    rules = len(family.own) + len(family.earlier)
    days = _days(study.judged_bars, study.bar_minutes)
    if finding is Finding.TOO_SHORT:
        return _too_short(e, study, chosen, days)
    if study.question.target == "volatility":
        if finding is Finding.NOTHING_FOUND:
            return said(
                "No model forecasts better than all of the mean, persistence and the moving average (EWMA) "
                "({p} for the best of {rules} rules tried).",
                p=_p(p.skill),
                rules=rules,
            )
        values = {
            "rule": chosen.in_words,
            "days": days,
            "p": _p(p.skill),
            "rules": rules,
            "folds": e.folds,
            "positive": e.folds_positive,
            "gain": _change(sealed.skill or 0.0),
        }
        if finding is Finding.CONFIRMED:
            return said(
                "{rule}, forecasts better than the mean, persistence and the moving average (EWMA) on {days} it had "
                "not seen ({p}, {rules} rules tried), in {positive} of {folds} parts of it, and with {gain} less "
                "squared error than the best of them on the sealed span.",
                **values,
            )
        return said(
            "{rule}, forecasts better than the mean, persistence and the moving average (EWMA) on {days} it had not "
            "seen ({p}, {rules} rules tried), but this was not confirmed: {positive} of {folds} parts better, {gain} "
            "less squared error than the best of them on the sealed span.",
            **values,
        )
    if finding is Finding.NOTHING_FOUND:
        return said(
            "Luck explains the best of {rules} rules tried: {before} before costs, {after} after {cost:.1f} bp per side.",
            rules=rules,
            before=_p(p.signal),
            after=_p(p.net),
            cost=study.cost.bps,
        )
    if finding is Finding.ONE_BAR_ONLY:
        return said(
            "There is a pattern ({before} before costs), but it is gone when entered one bar later ({late}): too quick "
            "to pay {cost:.1f} bp per side ({after} after costs).",
            before=_p(p.signal),
            late=_p(p.late),
            cost=study.cost.bps,
            after=_p(p.net),
        )
    if finding is Finding.COSTS_EAT_IT:
        if p.net is not None and p.net <= ALPHA and p.skill is not None:
            return said(
                "Some rule earned ({after} after costs), but its forecasts beat no simple one ({p}).",
                after=_p(p.net),
                p=_p(p.skill),
            )
        return said(
            "There is a pattern ({before} before costs), but costs of {cost:.1f} bp per side eat it ({after} after them).",
            before=_p(p.signal),
            cost=study.cost.bps,
            after=_p(p.net),
        )
    values = {
        "rule": chosen.in_words,
        "days": days,
        "p": _p(p.net),
        "rules": rules,
        "folds": e.folds,
        "positive": e.folds_positive,
        "made": _change(sealed.return_after_costs or 0.0),
    }
    if finding is Finding.CONFIRMED:
        return said(
            "{rule}, earned more than luck explains on {days} it had not seen ({p} after costs, {rules} rules tried), in "
            "{positive} of {folds} parts of it, and the sealed span made {made} after costs.",
            **values,
        )
    if sealed.result > 0:
        return said(
            "{rule}, earned more than luck explains on {days} it had not seen ({p} after costs, {rules} rules tried), but "
            "this was not confirmed: {positive} of {folds} parts positive, the sealed span made {made} after costs.",
            **values,
        )
    return said(
        "{rule}, earned more than luck explains on {days} it had not seen ({p} after costs, {rules} rules tried), but this "
        "was not confirmed: {positive} of {folds} parts positive, the sealed span made {made} after costs, and without "
        "its mean exposure it lost.",
        **values,
    )


def _too_short(e: Evidence, study: Study, chosen: Candidate, days: Said) -> Said:
    if e.blocks < SMALLEST_BLOCKS:
        return said(
            "The {days} left for testing hold {blocks} independent pieces at a horizon of {horizon}; at least {least} are "
            "needed to tell skill from luck.",
            days=days,
            blocks=e.blocks,
            horizon=duration(chosen.horizon_minutes),
            least=SMALLEST_BLOCKS,
        )
    if e.least_paying is None:
        return said(
            "The {days} left for testing could only show a correlation of {shown:.2f} or more; take a longer period.",
            days=days,
            shown=e.least_detectable,
        )
    return said(
        "The {days} left for testing could only show a correlation of {shown:.2f} or more; {paying:.2f} would already pay "
        "the costs.",
        days=days,
        shown=e.least_detectable,
        paying=e.least_paying,
    )


def _days(bars: int, bar_minutes: int) -> Said:
    days = bars * bar_minutes / 1_440
    return said("{n:.0f} days", n=days) if days >= 10 else said("{n:.1f} days", n=days)


def _p(value: float | None) -> Said:
    if value is None:
        return said("not tested")
    return said("p < {p:.3f}", p=0.001) if value < 0.001 else said("p = {p:.3f}", p=value)


def _share(share: float) -> Said:
    return said("{n:.1f}\N{NARROW NO-BREAK SPACE}%", n=100 * share)


def _change(share: float) -> Said:
    if share < 0:
        return said("\N{MINUS SIGN}{n:.1f}\N{NARROW NO-BREAK SPACE}%", n=-100 * share)
    return said("+{n:.1f}\N{NARROW NO-BREAK SPACE}%", n=100 * share)
