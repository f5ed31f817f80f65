"""What the best rule would make at other costs and horizons, and whether that is more than luck."""

from typing import Final

import numpy as np

from engine.report.gallery import Scene
from engine.science import backtest, blocks, maxt
from engine.science.bars import Floats
from engine.science.candidates import SIGNAL, Candidate, duration
from engine.science.charts import Chart, draw_grid
from engine.science.verdict import ALPHA

ORDER: Final = 10
COSTS_BPS: Final = (0.0, 1.0, 2.0, 5.0, 20.0)
_DAYS_A_MONTH: Final = 30.4


def draw(scene: Scene) -> Chart | None:
    """Rows are the horizons that were tried, columns costs per side, the run's own among them."""
    judgement = scene.judgement
    study, chosen = judgement.study, judgement.chosen
    rules = [rule for rule in scene.candidates if rule.study is study and rule.positions is not None]
    if not rules or chosen.positions is None:
        return None
    costs = sorted({*COSTS_BPS, round(study.cost.bps, 1)})
    horizons = sorted({rule.horizon_bars for rule in rules})
    monthly, words = np.full((len(horizons), len(costs)), np.nan), [[""] * len(costs) for _ in horizons]
    asked = (horizons.index(chosen.horizon_bars), costs.index(round(study.cost.bps, 1)))
    decision = judgement.verdict.decision.value
    for column, bps in enumerate(costs):
        sums = np.stack([_sums(scene, rule, bps / 10_000) for rule in rules])
        strength, p = maxt.statistics(sums), maxt.p_values(sums, seed=0)
        for row, bars in enumerate(horizons):
            here = [at for at, rule in enumerate(rules) if rule.horizon_bars == bars]
            best = max(here, key=lambda at: float(strength[at]))
            monthly[row, column] = _monthly(scene, rules[best], bps / 10_000)
            gains, lucky = monthly[row, column] > 0, float(p[best]) > ALPHA
            words[row][column] = "loss" if not gains else "luck" if lucky else "more than luck"
    # The cell of the run itself says what the report says: its own rule, its own verdict.
    monthly[asked] = _monthly(scene, chosen, study.cost.share)
    words[asked[0]][asked[1]] = decision
    return draw_grid(
        scene.source,
        horizons=[duration(bars * study.bar_minutes).replace(" ", "\u202f") for bars in horizons],
        costs_bps=costs,
        monthly=monthly,
        words=words,
        asked=asked,
        decision=decision,
    )


def _sums(scene: Scene, rule: Candidate, cost: float) -> Floats:
    study = scene.judgement.study
    assert rule.positions is not None
    net = rule.tests[SIGNAL] - cost * backtest.changes(rule.positions)
    return blocks.sums(net, study.times(study.judged), study.test_minutes)[1]


def _monthly(scene: Scene, rule: Candidate, cost: float) -> float:
    study = scene.judgement.study
    assert rule.positions is not None
    account = backtest.run(rule.positions, study.next_returns[study.judged], cost, study.bar_minutes)
    months = study.judged_bars * study.bar_minutes / 1_440 / _DAYS_A_MONTH
    return float(max(1.0 + account.return_after_costs, 0.0) ** (1.0 / months) - 1.0)
