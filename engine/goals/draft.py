"""A goal while it is read: what each sentence says is taken in, a later word over an earlier one."""

from dataclasses import dataclass, field
from datetime import datetime

from engine.goals import choices, costs, leaks, periods, spans
from engine.goals.amounts import Length
from engine.goals.coin_names import in_words
from engine.goals.period import Period, last
from engine.goals.searching import take_search
from engine.goals.sentence import Sentence
from engine.goals.spec import DEFAULT_INDICATORS, OPEN_TIME, Spec, Target, Task, span_text
from engine.goals.task import read_task


@dataclass(frozen=True)
class Conflict:
    """Two readings of one slot that cannot both hold."""

    about: str
    readings: tuple[str, ...]


@dataclass
class Draft:
    """Slots as far as they are known; None or empty is not said yet."""

    coins: list[str] = field(default_factory=list)
    all_coins: bool = False
    left_out_coins: list[str] = field(default_factory=list)
    drivers: list[str] = field(default_factory=list)
    task: Task | None = None
    target: Target | None = None
    focus: str | None = None
    horizons: list[int] = field(default_factory=list)
    bars_ahead: list[int] = field(default_factory=list)
    vague_time: str = ""
    interval: int | None = None
    step: int | None = None
    last_role: str = ""  # of the last length of time that was said
    period: Period | None = None
    models: list[str] | None = None
    models_left_out: list[str] = field(default_factory=list)
    indicators: list[str] | None = None
    costs_bps: float | None = None
    metric: str | None = None
    search_seconds: int | None = None
    warnings: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    stated: set[str] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)

    @classmethod
    def following(cls, spec: Spec) -> "Draft":
        """Begin with what an earlier goal stated; its defaults are chosen anew."""
        said = set(spec.stated)
        draft = cls(
            coins=list(spec.coins),
            drivers=list(spec.driver_coins),
            task=spec.task,
            target=spec.target,
            focus=spec.focus,
        )
        draft.stated = said
        draft.reasons = {slot: reason for slot, reason in spec.reasons.items() if slot in said}
        draft.warnings = [w for w in spec.warnings if w in ("leakage", "unavailable")]
        if "horizon" in said or spec.horizons:
            draft.horizons = list(spec.horizons)
        elif spec.reasons.get("horizon", "").startswith(OPEN_TIME):
            draft.vague_time = spec.reasons["horizon"].removeprefix(OPEN_TIME)
        if "interval" in said:
            draft.interval = spec.interval_minutes
        if "period" in said and (spec.start or spec.end):
            draft.period = Period(spec.start, spec.end, spec.reasons.get("period", "as before"))
        if "models" in said:
            draft.models = list(spec.models)
        if "indicators" in said:
            draft.indicators = list(spec.indicators)
        if spec.costs_stated or "costs" in said:
            draft.costs_bps = spec.costs_bps
        if "metric" in said:
            draft.metric = spec.metric
        if "search" in said:
            draft.search_seconds = spec.search_seconds
        return draft

    def take(self, sentence: Sentence, now: datetime, *, follows: bool, corrects: bool = False) -> None:
        """Take in one sentence.

        `follows` when it changes an earlier goal and so may be a fragment, `corrects` when it takes back the words before.
        """
        search = take_search(sentence)
        if search is not None:
            self.search_seconds = search.seconds
            self._say("search", search.words)
        leak = leaks.mark_leaks(sentence)
        if leak is not None:
            self._warn("leakage", f"left out, it looks ahead: “{leak}”")
        self._take_coins(sentence, follows=follows)
        dated = periods.read_periods(sentence, now)
        lengths = spans.read_spans(sentence, self.last_role if corrects else "")
        self.last_role = lengths.last_role
        self._take_horizon(sentence, lengths, follows=follows)
        self._take_interval(sentence, lengths)
        self._take_period(sentence, lengths, dated, now)
        models = self._take_models(sentence, follows=follows)
        self._take_indicators(sentence, follows=follows)
        self._take_costs(sentence)
        metrics = choices.read_metrics(sentence)
        if metrics:
            self._say("metric", metrics[0])
            self.metric = metrics[0]
        known = bool(self.horizons or self.bars_ahead or self.vague_time)
        asked = read_task(sentence, horizon=known, models=models, follows=follows)
        if asked.task is not None and not (asked.assumed and self.task):
            self.task, self.target = asked.task, asked.target
            self._say("target", asked.words, assumed=asked.assumed)
        self.focus = asked.focus or (None if asked.task and follows else self.focus)

    def _say(self, slot: str, words: str, *, assumed: bool = False) -> None:
        self.conflicts = [conflict for conflict in self.conflicts if conflict.about != slot]
        if assumed:
            self.reasons[slot] = "up or down, as nothing else was said"
            return
        self.stated.add(slot)
        self.reasons[slot] = f"“{' '.join(words.split())[:80]}”"

    def _warn(self, code: str, reason: str) -> None:
        if code not in self.warnings:
            self.warnings.append(code)
        self.reasons[f"warning:{code}"] = reason

    def _take_coins(self, sentence: Sentence, *, follows: bool) -> None:
        choice, drivers = choices.read_coins(sentence)
        if drivers:
            self.drivers = drivers
            self._say("driver_coins", ", ".join(map(in_words, drivers)))
        if choice.everything:
            self.all_coins, self.coins, self.left_out_coins = True, [], choice.left_out
            self._say("coins", "all coins")
            return
        added = (
            follows
            and choice.added
            or follows
            and sentence.has("add")
            and not sentence.has("instead", "indicator", "model")
        )
        if choice.taken and added:
            self.coins += [coin for coin in choice.taken if coin not in self.coins]
        elif choice.taken:
            self.all_coins, self.coins = False, list(choice.taken)
        if choice.left_out:
            self.left_out_coins = choice.left_out
            kept = [coin for coin in self.coins if coin not in choice.left_out]
            clash = set(choice.taken) & set(choice.left_out)
            self.coins = kept
            if clash or not kept and not self.all_coins and choice.taken:
                self.conflicts.append(Conflict("coins", tuple(map(in_words, choice.taken))))
        if choice.taken or choice.left_out and follows:
            self._say("coins", ", ".join(map(in_words, self.coins)))
        for term in sentence.terms:
            if term.guessed and term.tags.get("coin") in self.coins:
                self.reasons[f"read_as:{term.tags['coin']}"] = term.text[:40]

    def _take_horizon(self, sentence: Sentence, lengths: spans.Spans, *, follows: bool) -> None:
        said = lengths.horizons or ([] if lengths.bars_ahead else lengths.adverbs)
        for concept, factor in (("double", 2.0), ("triple", 3.0), ("halve", 0.5)):
            for at in sentence.find("horizon"):
                near = sentence.terms[max(at - 4, 0) : at + 2]
                if follows and self.horizons and not said and any(t.has(concept) for t in near):
                    self.horizons = [max(5, round(minutes * factor)) for minutes in self.horizons]
                    self._say("horizon", sentence.words(at - 2, at))
                    return
        if lengths.vague and not said and not lengths.bars_ahead:
            if not self.horizons:
                self.vague_time = lengths.vague
            return
        if lengths.bars_ahead:
            self.bars_ahead = [round(s.minutes) for s in lengths.bars_ahead]
            self.horizons = []
            if len(set(self.bars_ahead)) > 1:
                self.conflicts.append(Conflict("horizon", tuple(f"{n} candles" for n in self.bars_ahead)))
            else:
                self._say("horizon", lengths.bars_ahead[0].words)
            said = [s for s in said if s.words]
            if said and not lengths.intervals:
                self._say("horizon", said[0].words)
                self.bars_ahead = []
            else:
                return
        if not said:
            return
        minutes = list(dict.fromkeys(s.minutes for s in said))
        by_group = {s.group: s for s in said}
        self._say("horizon", said[0].words)
        if len(minutes) > 1 and len({s.minutes for s in by_group.values()}) > 1 and len(by_group) > 1:
            self.conflicts.append(Conflict("horizon", tuple(_length_text(m) for m in minutes)))
        self.horizons = [m if m == int(m) else m for m in minutes]  # type: ignore[misc]
        self.bars_ahead, self.vague_time = [], ""

    def _take_interval(self, sentence: Sentence, lengths: spans.Spans) -> None:
        found = list(dict.fromkeys(s.minutes for s in lengths.intervals))
        if len(found) > 1:
            self._say("interval", lengths.intervals[0].words)
            self.conflicts.append(Conflict("interval", tuple(_length_text(m) for m in found)))
        elif found:
            self._say("interval", lengths.intervals[0].words)
        if found:
            self.interval = found[0]  # type: ignore[assignment]
        elif lengths.steps:
            self.step = round(lengths.steps[0].minutes)

    def _take_period(
        self, sentence: Sentence, lengths: spans.Spans, dated: list[Period], now: datetime
    ) -> None:
        said = list(dated)
        histories = lengths.histories
        if len(histories) > 1 and sentence.has("metricword", "predict") and _train_and_test(sentence):
            total = sum(length.days for length, _ in histories) * 1_440
            histories = [(Length(total, "day"), f"{histories[0][1]}, {histories[1][1]}")]
        said += [last(length, now, words) for length, words in histories]
        if not said and self.period is not None and self.period.start is not None:
            self._stretch_period(sentence, now)
            return
        if not said:
            return
        merged = _merge(said, now, together=_train_and_test(sentence) or sentence.has("compare", "was"))
        self._say("period", ", ".join(p.words for p in said))
        if merged is None:
            self.conflicts.append(Conflict("period", tuple(p.words for p in said)))
            self.period = None
        else:
            self.period = merged

    def _stretch_period(self, sentence: Sentence, now: datetime) -> None:
        """`twice the history`, `half the data`."""
        for concept, factor in (("double", 2.0), ("triple", 3.0), ("halve", 0.5)):
            for at in sentence.find(concept):
                if (
                    self.period
                    and self.period.start
                    and any(t.has("data", "period") for t in sentence.after(at, reach=3))
                ):
                    if sentence.next_after(at).has("cost", "horizon"):
                        continue
                    end = self.period.end or now
                    self._say("period", sentence.words(at, at + 2))
                    self.period = Period(
                        end - (end - self.period.start) * factor, end, sentence.words(at, at + 2)
                    )
                    return

    def _take_models(self, sentence: Sentence, *, follows: bool) -> int:
        choice, missing = choices.read_models(sentence)
        if missing:
            self._warn("unavailable", f"not there: {', '.join(missing)}")
        if choice.everything and not choice.taken:
            self.models, self.models_left_out = None, choice.left_out
            if choice.left_out:
                self._say("models", f"all but {', '.join(choice.left_out)}")
            return 2
        if set(choice.taken) & set(choice.left_out):
            self._say("models", ", ".join(choice.taken))
            self.conflicts.append(Conflict("models", tuple(choice.taken)))
            return len(choice.taken)
        taken = [name for name in choice.taken if name not in choice.left_out]
        if taken and choice.added and not choice.only and follows:
            self.models = (
                [*(self.models or []), *(name for name in taken if name not in (self.models or []))]
                if self.models
                else None
            )
            self.models_left_out = [name for name in self.models_left_out if name not in taken]
            self._say("models", ", ".join(taken))
        elif taken:
            kept = [name for name in self.models or [] if name not in (*choice.left_out, *taken)]
            self.models = [*kept, *taken] if choice.swapped and follows else taken
            self.models_left_out = choice.left_out
            self._say("models", ", ".join(taken))
        elif choice.left_out:
            self.models_left_out = list(dict.fromkeys([*self.models_left_out, *choice.left_out]))
            if self.models is not None:
                self.models = [name for name in self.models if name not in choice.left_out]
            self._say("models", f"without {', '.join(choice.left_out)}")
        return len(choice.taken)

    def _take_indicators(self, sentence: Sentence, *, follows: bool) -> None:
        choice = choices.read_indicators(sentence)
        if choice.taken and choice.added and follows:
            before = self.indicators if self.indicators is not None else list(DEFAULT_INDICATORS)
            self.indicators = list(dict.fromkeys([*before, *choice.taken]))
        elif choice.taken:
            self.indicators = choice.taken
        elif choice.left_out:
            kinds = {name.split("_")[0] for name in choice.left_out}
            before = self.indicators if self.indicators is not None else list(DEFAULT_INDICATORS)
            self.indicators = [name for name in before if name.split("_")[0] not in kinds]
        elif choice.only:
            self.indicators = []
        if choice.taken or choice.left_out:
            self._say(
                "indicators", ", ".join(choice.taken or [f"without {name}" for name in choice.left_out])
            )

    def _take_costs(self, sentence: Sentence) -> None:
        stated = costs.read_costs(sentence)
        if stated.factor is not None:
            if self.costs_bps is not None:
                self.costs_bps = round(self.costs_bps * stated.factor, 6)
                self._say("costs", stated.words)
            else:
                self.reasons["costs_factor"] = str(stated.factor)
            return
        if stated.bps:
            self.costs_bps = stated.bps[0]
            self._say("costs", stated.words)
            if len(stated.bps) > 1:
                self.conflicts.append(Conflict("costs", tuple(f"{bps:g} bps" for bps in stated.bps)))


def _train_and_test(sentence: Sentence) -> bool:
    words = {term.text.lower() for term in sentence.terms}
    return any(w.startswith("train") for w in words) and any(
        w.startswith(("test", "valid", "evaluat", "judge")) for w in words
    )


def _merge(said: list[Period], now: datetime, *, together: bool) -> Period | None:
    """One period of several: their union for training and testing, else what they share; None if they clash."""
    if any(p.whole for p in said):
        said = [p for p in said if not p.whole] or said[:1]
    if len(said) == 1:
        return said[0]
    starts, ends = [p.start for p in said], [p.end or now for p in said]
    words = ", ".join(p.words for p in said)
    known = [start for start in starts if start is not None]
    if together and known:
        return Period(min(known), max(ends), words)
    start, end = max(known, default=None), min(ends)
    if start is not None and start >= end:
        return None
    lengths = [(p.end or now) - p.start for p in said if p.start is not None]
    if (
        all(p.end == now or p.end is None for p in said)
        and max(lengths) > 1.5 * min(lengths)
        and not any("older" in p.words for p in said)
    ):
        return None
    return Period(
        start, end, words, either_order=next((p.either_order for p in said if p.either_order), None)
    )


def _length_text(minutes: float) -> str:
    return span_text(int(minutes)) if minutes == int(minutes) and minutes else f"{minutes:g}m"
