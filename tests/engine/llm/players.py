"""Models that tests play: one that works as it should, and the parts of those that do not."""

from tests.model_server import Asked, Says


def good(asked: Asked) -> Says:
    """Follows the plan, then says what came of it in figures that were returned."""
    if asked.stage == "planning":
        return Says(calls=(("Proposal", {}),))
    if not asked.results:
        return Says(calls=(("follow_plan", {}),))
    if asked.stage == "reporting":
        explanation = (
            "There is nothing here to trade on. The baselines did as well, and more data would help."
        )
        return Says(calls=(("Conclusion", {"summary": explanation}),))
    return Says(calls=(("Conclusion", {"summary": f"The {asked.stage.replace('_', ' ')} went as planned."}),))
