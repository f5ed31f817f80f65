"""Put a folder of attacks and harmless analyses on trial and print what held, by class.

python -m tests.sandbox.corpus FOLDER [--no-namespaces] [--lint]
"""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

from sandbox import Limits, Sandbox
from tests.sandbox.trial import conduct, lay_bait, make_prices, read_attack


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-namespaces", action="store_true")
    parser.add_argument("--lint", action="store_true")
    given = parser.parse_args()
    prices = make_prices(2000)
    tried: Counter[str] = Counter()
    held: Counter[str] = Counter()
    slowest = 0.0
    with Sandbox.start(namespaces=not given.no_namespaces) as sandbox, lay_bait() as bait:
        print(f"uid {os.geteuid()}, {sandbox.check()}")  # noqa: T201
        sandbox.run("result = 1")  # the libraries are loaded now, not during the first attack
        for path in sorted((given.folder / "hostile").glob("*.py")):
            attack = read_attack(path)
            outcome = conduct(sandbox, bait, attack, prices, lint=given.lint)
            tried[attack.kind] += 1
            held[attack.kind] += outcome.held
            slowest = max(slowest, outcome.seconds)
            if outcome.seconds > 4:
                print(f"  {attack.name}: {outcome.seconds:.1f} s {outcome.result}"[:300])  # noqa: T201
            if not outcome.held:
                print(f"  {attack.name}: {'; '.join(outcome.reached)}")  # noqa: T201
        for kind in tried:
            print(f"  {kind:<8} {held[kind]:>3} of {tried[kind]} held")  # noqa: T201
        print(f"hostile: {held.total()} of {tried.total()} held, the slowest took {slowest:.1f} s")  # noqa: T201
        fine = 0
        paths = sorted((given.folder / "harmless").glob("*.py"))
        began = time.monotonic()
        for path in paths:
            result = sandbox.run(path.read_text(), {"prices": prices}, Limits(60, 2048))
            fine += result.status == "ok" and result.value is not None
            if result.status != "ok":
                print(f"  {path.stem}: {result.status} {result.error}")  # noqa: T201
        print(f"harmless: {fine} of {len(paths)} ran, {time.monotonic() - began:.1f} s")  # noqa: T201
    return int(held != tried or fine != len(paths))


if __name__ == "__main__":
    sys.exit(main())
