"""What a comparison is made of: which forecasts stand for which coin, model or feature set."""

from collections.abc import Sequence

from engine.errors import ToolError
from engine.science import comparing
from engine.science.comparing import Contrast, Scored
from engine.science.study import Study
from engine.science.walkforward import OutOfSample

BY = ("coins", "models", "features")


def of_forecasts(forecasts: Sequence[tuple[str, Study, OutOfSample]], by: str, seed: int) -> Contrast:
    """Compare forecasts at the horizon asked for. Raises ToolError with what to do."""
    if by not in BY:
        raise ToolError(f"{by!r} cannot be compared; use one of {', '.join(BY)}.")
    asked = [
        (study, walked) for _, study, walked in forecasts if walked.horizon_bars == study.question.horizons[0]
    ]
    about = ", ".join(dict.fromkeys(name for study, _ in asked for name in study.question.features.leave_out))
    items: dict[str, list[tuple[str, Scored]]] = {}
    for study, walked in asked:
        label = "" if by == "models" else walked.spec.label
        items.setdefault(_item(study, walked, by, about), []).append((label, comparing.score(study, walked)))
    if len(items) < 2:
        raise ToolError(_too_few(by, next(iter(items), "none")))
    # Like with like: a model that only one of them has, as one that was tuned, is left out.
    common = set.intersection(*({label for label, _ in scored} for scored in items.values()))
    if not common:
        raise ToolError(
            f"The {by} were forecast by different models; train the same models on each, then compare."
        )
    studies = [study for study, _ in asked]
    minutes = max(study.test_minutes for study in studies)
    return Contrast(
        by=by,
        about=about if by == "features" else "",
        coins=tuple(dict.fromkeys(study.coin for study in studies)),
        horizon_minutes=studies[0].question.horizons[0] * studies[0].bar_minutes,
        comparison=comparing.compare(
            {name: [one for label, one in scored if label in common] for name, scored in items.items()},
            minutes,
            seed,
        ),
    )


def _item(study: Study, walked: OutOfSample, by: str, about: str) -> str:
    match by:
        case "coins":
            return study.coin.upper()
        case "models":
            return walked.spec.label
        case _:
            left = study.question.features.leave_out
            return f"without {', '.join(left)}" if left else f"with {about}" if about else "all features"


def _too_few(by: str, only: str) -> str:
    how = {
        "coins": "give forecasts of two coins or more",
        "models": "give forecasts of two model types or more",
        "features": "make features a second time with `leave_out`, train on both and give the forecasts of both",
    }[by]
    return f"There is only one of the {by} among these forecasts ({only}); {how}."
