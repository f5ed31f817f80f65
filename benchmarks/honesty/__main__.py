"""Run the benchmark: `python -m benchmarks.honesty` (quick, under four minutes on two quiet cores) or `--full`.

Quick judges 100 series through the product's judging function and 12 through its front door. Full judges 414 through
the function; `--keep FILE` writes each outcome at once and goes on from there when it is run again.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

FIRST_SEED = 910_000
NAIVE = {
    "quick": 2,
    "full": 8,
}  # series of each kind that the obvious ways are tried on: they cost as much as the rest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.honesty", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="414 series instead of 100")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="where the seeds of the series begin")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--keep", type=Path, help="a JSON Lines file of outcomes, continued when it exists")
    parser.add_argument("--seconds", type=float, help="stop after so long and print what there is")
    parser.add_argument("--no-naive", action="store_true", help="leave the obvious ways out")
    parser.add_argument(
        "--no-front-door", action="store_true", help="leave the 12 runs of the whole product out"
    )
    parser.add_argument("--kinds", help="only kinds whose name contains this")
    asked = parser.parse_args()
    # A fit uses one thread; every core has a series of its own.
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE", GOMP_SPINCOUNT="0")
    started = time.monotonic()

    from benchmarks.honesty import tables, worlds

    sizes = worlds.FULL if asked.full else worlds.QUICK
    beside = 0 if asked.no_naive else NAIVE["full" if asked.full else "quick"]
    wanted = [
        (name, worlds.seed_of(name, number, asked.seed), number < beside)
        for number in range(max(sizes.values()))
        for name, size in sizes.items()
        if number < size and (not asked.kinds or asked.kinds in name)
    ]
    rows = list(_judge(wanted, asked.keep, asked.processes, started + (asked.seconds or 1e9)))
    table, met = tables.honesty(rows)
    judged = len({(row["kind"], row["seed"]) for row in rows})
    click.echo(f"\n{judged} of {len(wanted)} series through the judging function, seeds from {asked.seed}\n")
    click.echo("\n\n".join((table, tables.seal_cost(rows), tables.naive(rows), tables.by_kind(rows))))
    if not asked.full and not asked.no_front_door:
        from benchmarks.honesty import front_door

        told, agree = front_door.run(asked.seed, asked.processes)
        click.echo(told)
        met = met and agree
    click.echo(
        f"\n{time.monotonic() - started:,.0f} s on {asked.processes} processes. Targets {'met' if met else 'MISSED'}."
    )
    return 0 if met else 1


def _judge(
    wanted: list[tuple[str, int, bool]], keep: Path | None, processes: int, until: float
) -> Iterator[dict[str, object]]:
    """Outcomes as plain rows, those that were kept first."""
    from benchmarks.honesty import judging

    known: list[dict[str, object]] = []
    if keep is not None and keep.exists():
        known = [json.loads(line) for line in keep.read_text().splitlines()]
    names = {(name, seed) for name, seed, _ in wanted}
    yield from (row for row in known if (row["kind"], row["seed"]) in names)
    done = {(row["kind"], row["seed"]) for row in known}
    left = [entry for entry in wanted if entry[:2] not in done]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting = [pool.submit(judging.rows, *entry) for entry in left]
        for number, job in enumerate(waiting, 1):
            rows = job.result()
            if keep is not None:
                with keep.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
            yield from rows
            click.echo(f"\r{number}/{len(left)}", nl=False, err=True)
            if time.monotonic() > until:
                pool.shutdown(wait=False, cancel_futures=True)
                return


if __name__ == "__main__":
    sys.exit(main())
