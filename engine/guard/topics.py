"""What figures speak of: a few subjects, recognised in sentences and in the names under which tools return figures."""

import re
from functools import lru_cache

# Subject: how sentences (English, German) speak of it, and what a result's key has in it.
_TOPICS: dict[str, tuple[str, str]] = {
    "p": (r"\bp\b|p-?(?:value|wert)|\bluck|chance|significan|zufall", r"(?:^|_)p(?:_|$)|p_value|luck"),
    "accuracy": (r"accura|\bright\b|correct|\bhits?\b|hit.rate|genauig|treffer|richtig", r"accura|right"),
    "precision": (r"precision", r"precision"),
    "recall": (r"\brecall", r"recall"),
    "f1": (r"\bf1\b", r"(?:^|_)f1"),
    "brier": (r"\bbrier", r"brier"),
    "auc": (r"\bauc\b|area under", r"auc"),
    "sharpe": (r"sharpe", r"sharpe"),
    "drawdown": (r"drawdown|deepest|worst|\bfalls?\b|from (?:its|the) peak|rückgang", r"drawdown|fall|depth"),
    "return": (
        r"return|worst|\bma[dk]e|\bearn|\blos[ets]|\bloss|\bgain|profit|\bris|\brose|\bfell|\bfall|\bdrop|\bup\b|\bdown\b"
        r"|before costs|after|account|\bmov(?:e|ing)\b|\bmoves?\b|\bgrew|\bhold|rendite|verlust|verlor|gewinn|gewann|stieg|fiel",
        r"return|change|move|rise|fall|net|gross|buy_and_hold|highest|lowest|by_",
    ),
    "cost": (r"\bcosts?\b|\bfees?\b|a side|per side|\bcharge|kosten|gebühr", r"costs?_bps|^costs?$"),
    "break_even": (r"breaks?[ -]?even|\bbear\b|needs costs|costs? below|low enough|gewinnschwelle", r"break_even"),
    "trades": (r"\btrad|position|turnover|handel", r"trade|turnover|position"),
    "folds": (r"\bfolds?\b|refit|\bparts?\b|retrain|\bfit(?:s|ted)?\b|abschnitt", r"fold|refit|(?:^|_)parts"),
    "bars": (
        r"\bbars?\b|candle|\brows?\b|observation|record|samples?\b|kerzen|balken|zeilen",
        r"bars|rows|count|missing|duplicates|stale|crossed|spikes|outliers|invalid|dropped|marked|filled",
    ),
    "walks": (r"\d (?:\w+-?\w* )?runs?\b|walk|läufe", r"walk"),
    "rules": (
        r"\brules?\b|\btries\b|\btried\b|candidate|combination|settings?\b|attempt|regeln?\b|versuch",
        r"tried|rules|tries|candidates",
    ),
    "features": (r"feature|column|indicator|merkmal|spalten|indikator", r"feature|column|indicator"),
    "skill": (
        r"\bskill|better|squared error|\bbeats?\b|larger|smaller|\br2\b|\br²|explain|\berror",
        r"skill|r2|rmse|mae|error|gain",
    ),
    "volatility": (r"volatil|usually|\bcalm|\bwild|schwank", r"volatil|wild|calm|deviation"),
    "shape": (r"kurtosis|\bskew|normal curve|\brare\b|\btails?\b|deviation", r"kurtosis|skew|rare|normal|deviation"),
    "correlation": (r"correlat|korrel|autocorr|remember", r"correlat|least_"),
    "price": (
        r"price|\bclos|between|\bhigh|\blow|traded|\bmean\b|average|preis|kurs",
        r"close|mean|(?:^|_)min|(?:^|_)max|std|price|high|low",
    ),
    "importance": (
        r"shuffl|contribut|matter|\bhelp|without|importan|wichtig|beitr",
        r"groups|features|loss|standings",
    ),
    "difference": (r"differen|\bahead|\blead|unterschied", r"ahead|difference"),
    "leak": (r"\bcuts?\b|\bleak", r"leak|cut"),
    "sealed": (r"sealed|versiegelt", r"sealed"),
}  # fmt: skip
_IN_TEXT = {topic: re.compile(words, re.IGNORECASE) for topic, (words, _) in _TOPICS.items()}
_IN_KEYS = {topic: re.compile(keys, re.IGNORECASE) for topic, (_, keys) in _TOPICS.items()}
# A capital letter by itself is the name of a setting.
_WORD = re.compile(r"[^\W\d_]{4,}|\b[A-Z]\b")
# They stand in so many results that they tell nothing apart.
_COMMON = frozenset(
    [
        "about",
        "after",
        "also",
        "before",
        "both",
        "coin",
        "coins",
        "data",
        "does",
        "each",
        "figure",
        "figures",
        "from",
        "have",
        "into",
        "just",
        "more",
        "most",
        "much",
        "must",
        "model",
        "models",
        "only",
        "other",
        "over",
        "results",
        "same",
        "some",
        "such",
        "summary",
        "than",
        "that",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "under",
        "until",
        "value",
        "values",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "will",
        "with",
        "would",
        "metrics",
        "judged",
    ]
)


@lru_cache(4096)
def of_text(text: str) -> frozenset[str]:
    """The subjects that words speak of."""
    return frozenset(topic for topic, words in _IN_TEXT.items() if words.search(text))


@lru_cache(4096)
def of_key(key: str) -> frozenset[str]:
    """The subjects that a result's key speaks of."""
    return frozenset(topic for topic, keys in _IN_KEYS.items() if keys.search(key))


@lru_cache(4096)
def words_of(text: str) -> frozenset[str]:
    """The telling words of a text, without their plural."""
    found = (word.lower().removesuffix("s") for word in _WORD.findall(text))
    return frozenset(word for word in found if word not in _COMMON and f"{word}s" not in _COMMON)
