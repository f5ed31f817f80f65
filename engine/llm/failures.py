"""What went wrong with a language model, in one sentence for a person, and what follows from it."""

import re
from dataclasses import dataclass
from typing import Literal

from engine.llm.settings import ModelSettings
from engine.speech import say
from storage.redaction import redact

# lasting: this model will not answer in this run. passing: it may another time. reply: it answered uselessly.
# budget: it may not be asked any more.
Kind = Literal["lasting", "passing", "reply", "budget"]


@dataclass(frozen=True)
class ModelFailure:
    """Why an answer could not be had or used.

    `reached` says whether its server can have read the request at all, `foreseen` whether the log needs more than this.
    """

    kind: Kind
    message: str
    reached: bool = True
    foreseen: bool = True


def explain(error: Exception, settings: ModelSettings, model: str) -> ModelFailure:
    """The failure behind an exception of any provider's library."""
    status = getattr(error, "status_code", None)
    code = str(getattr(error, "code", None) or "")
    said = _said(error)
    if status in (401, 403):
        return ModelFailure(
            "lasting", say("The model's server refused the key: check {key}.", key=settings.key_name)
        )
    if status == 404:
        return ModelFailure("lasting", _not_there(settings, model, code, said))
    if status == 402 or code == "insufficient_quota" or re.search(r"credit balance|insufficient_quota", said):
        return ModelFailure(
            "lasting",
            say("The account at the model's provider has no credit left: top it up, or use another key."),
        )
    if status == 429:
        return ModelFailure("passing", say("The model's server answers no more requests for now (too many)."))
    if isinstance(status, int) and status >= 500:
        return ModelFailure(
            "passing", say("The model's server has a fault of its own (HTTP {status}).", status=str(status))
        )
    if isinstance(status, int):
        return ModelFailure(
            "reply",
            say(
                "The model's server did not accept the request (HTTP {status}: {reason}).",
                status=str(status),
                reason=said,
            ),
        )
    return _of_the_line(error, settings)


def _not_there(settings: ModelSettings, model: str, code: str, said: str) -> str:
    """What is not there: the model, or on somebody's own server perhaps the whole address."""
    known = code == "model_not_found" or "model" in said.lower()
    if settings.is_compatible_server and not known:
        return say(
            "There is nothing at {address}: check OPENAI_BASE_URL (most end in /v1), and that the server has {model}.",
            address=f"{settings.host}{settings.path}",
            model=model,
        )
    return say(
        "The model's server does not know the model {model!r}: check {setting}.",
        model=model,
        setting=settings.model_name_setting,
    )


def _of_the_line(error: Exception, settings: ModelSettings) -> ModelFailure:
    """A failure without an answer's status: libraries wrap it, so the causes behind it are looked at, too."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    names = {type(cause).__name__ for cause in causes}
    if any("Timeout" in name for name in names):
        return ModelFailure("passing", say("The model's server did not answer in time."))
    if any("without sending a response" in str(cause) for cause in causes):
        return ModelFailure("passing", say("The model's server closed the connection without an answer."))
    if names & {"RemoteProtocolError", "ReadError", "IncompleteRead"}:
        return ModelFailure("reply", say("The model's server broke its answer off in the middle."))
    if any("Connect" in name for name in names):
        return ModelFailure("passing", _unreachable(settings), reached=False)
    return ModelFailure(
        "reply",
        say("The model's answer could not be read ({error}).", error=type(error).__name__),
        foreseen=False,
    )


def _unreachable(settings: ModelSettings) -> str:
    if not settings.host:
        return say("The model's server cannot be reached.")
    return say(
        "The model's server cannot be reached at {host}: check {setting}.",
        host=settings.host,
        setting=settings.address_name,
    )


def _said(error: Exception) -> str:
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    text = inner.get("message") if isinstance(inner, dict) else None
    return redact(" ".join(str(text or "no reason given").split()))[:160]
