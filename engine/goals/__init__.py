"""Reading a goal: a sentence in plain words becomes a typed spec, one question, or a refusal with its reason.

    read(goal, now=..., coverage=...)             a new goal -> Run(spec) | Ask(about, question, ...) | Refuse(reason, hint)
    follow(reply, before, now=..., coverage=...)  a reply in the thread of an earlier Run, Ask or Refuse

After a Run, `follow` reads a reply such as "same but 4h and no random forest", "now with eth", "add sol", "half the
fees" or "why not xgboost?": it changes the slots it names and keeps what the earlier goal stated. After an Ask, a
reply that picks a choice (by number, by name, "yes" for the recommended one) or names the missing thing completes
the goal. Thanks and greetings start nothing: they come back as Refuse, whose `reason` can be posted as it is. An
earlier outcome that was kept as JSON is read back by `outcome.from_dict`; where only the spec of a finished run is
kept, `follow(reply, Run(Spec.from_dict(written)), ...)` does it.

How it works: `text` takes the chat's markup away, `tokens` and `lexicon` turn words into concepts by the tables in
`languages`, `amounts`, `dates`, `coins` and `indicators` join them by small grammars (`patterns`), `draft` takes in
what each sentence says about each slot, and `completing` fits the draft to the prices there are.
"""

from engine.goals.outcome import Ask, Coverage, Outcome, Refuse, Run
from engine.goals.reading import follow, read
from engine.goals.spec import Spec

__all__ = ["Ask", "Coverage", "Outcome", "Refuse", "Run", "Spec", "follow", "read"]
