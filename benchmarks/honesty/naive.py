"""The obvious ways of looking for an edge, on the same features, to show what they claim where there is none."""

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from engine.science import backtest, features
from engine.science.bars import Floats
from engine.science.candidates import NET, SIGNAL, Candidate
from engine.science.study import Study

WAYS = (
    "shuffled split, 12-bar label, accuracy > 0.52",
    "plain 80/20 split, 12-bar label, accuracy > 0.52 or > majority",
    "plain 80/20 split, next bar, accuracy > 0.50",
    "walk-forward, best of all tried has a profit before costs",
    "walk-forward, best of all tried has a profit after costs",
    "walk-forward, uncorrected t > 1.645 before costs",
)


def claims(study: Study, own: Sequence[Candidate], seed: int) -> dict[str, bool]:
    """Say for each way whether it would claim an edge on this series."""
    rows = features.usable(study.features)
    said = []
    for h, ways in ((12, (True, False)), (1, (False,))):
        y = study.targets[h].to_numpy(np.float64) if h in study.targets else np.full(len(rows), np.nan)
        known = rows & np.isfinite(y)
        x, up = study.features.to_numpy()[known], y[known]
        for shuffle in ways:
            parts = train_test_split(
                x, up, test_size=0.2, shuffle=shuffle, random_state=seed if shuffle else None
            )
            x_train, x_test, y_train, y_test = parts
            said.append(_accuracy(x_train, x_test, y_train, y_test, seed))
    shuffled, plain, next_bar = said
    gross = [
        backtest.compound(np.nan_to_num(c.positions * study.next_returns[study.judged]))[-1] - 1.0
        for c in own
        if c.positions is not None
    ]
    after = [float(np.sum(c.tests[NET])) for c in own]
    t = [float(v.sum() / np.sqrt((v**2).sum())) if v.any() else 0.0 for v in (c.tests[SIGNAL] for c in own)]
    found = (
        shuffled[0] > 0.52,
        plain[0] > 0.52 or plain[0] > plain[1],
        next_bar[0] > 0.50,
        max(gross) > 0,
        max(after) > 0,
        max(t) > 1.645,
    )
    return {way: bool(claimed) for way, claimed in zip(WAYS, found, strict=True)}


def _accuracy(
    x_train: Floats, x_test: Floats, y_train: Floats, y_test: Floats, seed: int
) -> tuple[float, float]:
    """Accuracy of a boosted model with usual settings, and of always saying what is commoner in the test part."""
    model = XGBClassifier(n_estimators=100, max_depth=6, tree_method="hist", random_state=seed, n_jobs=1)
    model.fit(x_train, y_train)
    majority = float(y_train.mean() > 0.5)
    return float((model.predict(x_test) == y_test).mean()), float((y_test == majority).mean())
