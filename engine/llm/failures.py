"""What went wrong with a language model, in one sentence for a person, and what follows from it."""

import re
from dataclasses import dataclass
from typing import Literal

from engine.llm.settings import ModelSettings
from storage.redaction import redact

# lasting: this model will not answer in this run. passing: it may another time. reply: it answered uselessly.
# budget: it may not be asked any more.
Kind = Literal["lasting", "passing", "reply", "budget"]


@dataclass(frozen=True)
class ModelFailure:
    """Why an answer could not be had or used."""

    kind: Kind
    message: str


def explain(error: Exception, settings: ModelSettings, model: str) -> ModelFailure:
    """The failure behind an exception of any provider's library."""
    status = getattr(error, "status_code", None)
    code = str(getattr(error, "code", None) or "")
    said = _said(error)
    if status in (401, 403):
        return ModelFailure("lasting", f"The model's server refused the key: check {settings.key_name}.")
    if status == 404:
        named = settings.model_name_setting
        return ModelFailure(
            "lasting", f"The model's server does not know the model {model!r}: check {named}."
        )
    if status == 402 or code == "insufficient_quota" or re.search(r"credit balance|insufficient_quota", said):
        return ModelFailure(
            "lasting",
            "The account at the model's provider has no credit left: top it up, or use another key.",
        )
    if status == 429:
        return ModelFailure("passing", "The model's server answers no more requests for now (too many).")
    if isinstance(status, int) and status >= 500:
        return ModelFailure("passing", f"The model's server has a fault of its own (HTTP {status}).")
    if isinstance(status, int):
        return ModelFailure(
            "reply", f"The model's server did not accept the request (HTTP {status}: {said})."
        )
    name = type(error).__name__
    if "Timeout" in name or isinstance(error, TimeoutError):
        return ModelFailure("passing", "The model's server did not answer in time.")
    if "Connection" in name or "Connect" in name:
        return ModelFailure("passing", "The model's server cannot be reached.")
    if name in ("RemoteProtocolError", "ReadError"):
        return ModelFailure("passing", "The model's server broke its answer off.")
    return ModelFailure("reply", f"The model's answer could not be read ({name}).")


def _said(error: Exception) -> str:
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    text = inner.get("message") if isinstance(inner, dict) else None
    return redact(" ".join(str(text or "no reason given").split()))[:160]
