"""Questions about what the features are worth: `importance`, `does MACD help`, `top 10 features`."""

from engine.goals.sentence import Sentence

_REACH = 4


def asks_what_matters(sentence: Sentence) -> bool:
    """Whether a goal wants to know what features contribute, by a word of its own or by ranking them."""
    return sentence.has("importance", "helps") or any(
        is_ranked(sentence, at) for at in sentence.find("feature", "indicatorword")
    )


def is_ranked(sentence: Sentence, at: int) -> bool:
    """Whether the features named at a position are to be ranked: `the 5 best indicators`, not `using the best features`."""
    leads = list(sentence.before(at, reach=_REACH))
    for place, lead in enumerate(leads):
        if lead.has("with", "chosen", "not"):
            return False
        if lead.has("ranked"):
            return not any(
                before.has("with", "chosen", "not", "predict") for before in leads[place + 1 : place + 3]
            )
    follower = sentence.next_after(at)
    return follower.has("ranked") and not any(lead.has("with", "chosen") for lead in leads)
