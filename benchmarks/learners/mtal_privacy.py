"""What messages give away, and what noise costs: python -m benchmarks.learners.mtal_privacy."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks.learners.lines import Lines
from learners.models.schedule import Fitting
from learners.movielens import read_movielens
from learners.mtal.domain import Domain
from learners.mtal.messages import Residuals
from learners.mtal.partition import deal
from learners.mtal.plans import Held, Plan
from learners.mtal.privacy import Privacy, epsilon_after
from learners.mtal.reconstruction import reconstruct
from learners.mtal.rounds import run_rounds
from learners.mtal.settings import Settings
from learners.mtal.steps import Step
from learners.mtal.transport import LocalMember, Transport
from learners.splits import three_parts

SPREADS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)  # of the noise on residuals, for the attack
NOISES = (0.0, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)  # multipliers, for the utility
CLIPS = (4.0, 1.0)
UNCLIPPED = 1000.0
LEVELS = np.arange(1.0, 6.0)
PRIOR = np.array([0.06, 0.11, 0.27, 0.34, 0.22])  # how ratings are spread, as anybody may know
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--splits", type=int, default=2)
    parser.add_argument("--attack-only", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    data = read_movielens("ml-100k")
    attack = Lines(options.out / "mtal-attack.csv", ["clip", "spread"], ["rebuilt", "guessing"])
    utility = Lines(
        options.out / "mtal-utility.csv",
        ["clip", "noise", "split"],
        ["rounds", "epsilon", "ratio_to_base"],
    )
    parts = three_parts(data.ratings, validation=0.1, seed=0)
    domains = deal(parts, partition="uniform:8")
    for clip in (UNCLIPPED, CLIPS[0]):
        for spread in SPREADS:
            if not attack.has(clip, spread):
                attack.add([clip, spread], rebuilt(domains, clip, spread / (2 * clip)))
    attack.show()
    for split in range(0 if options.attack_only else options.splits):
        parts = three_parts(data.ratings, validation=0.1, seed=split)
        domains = deal(parts, partition="uniform:8", seed=split)
        for clip in CLIPS:
            for noise in NOISES:
                if not utility.has(clip, noise, split):
                    values = with_noise(domains, clip, noise, split, options.workers)
                    utility.add([clip, noise, split], values)
    utility.show()
    return 0


def plans_of(domains: list[Domain], clip: float, noise: float, split: int) -> list[Plan]:
    privacy = Privacy(noise, clip, clip) if noise else None
    return [
        Plan(
            Held(domain),
            Settings(
                fitting=Fitting(),
                step=Step(rate="validation", weights="validation"),
                privacy=privacy,
                seed=1000 * split + number,
            ),
            "benchmark",
            b"benchmark",
        )
        for number, domain in enumerate(domains)
    ]


def rebuilt(domains: list[Domain], clip: float, noise: float) -> list[float]:
    """Share of all ratings sent in the first round that the attack gets right; and by guessing."""
    members = [LocalMember(*plan.build()) for plan in plans_of(domains, clip, noise, 0)]
    right = known = common = 0
    with Transport(members) as transport:
        transport.step("offer", transport.names)
        transport.step("meet")
        for member in members:
            one = member.organisation
            message = one.announce()[0]  # all receivers get the same
            assert isinstance(message, Residuals)
            rows = one.peers[message.receiver].rows
            truth = one.domain.ratings()[rows].toarray()[:, one._outward]
            at = np.repeat(np.arange(len(rows)), np.diff(message.starts)), message.columns
            guess = reconstruct(message, LEVELS, PRIOR, spread=2 * clip * noise)
            right += int((guess == truth[at]).sum())
            common += int((truth[at] == LEVELS[PRIOR.argmax()]).sum())
            known += len(guess)
    return [right / known, common / known]


def with_noise(
    domains: list[Domain], clip: float, noise: float, split: int, workers: int
) -> list[float]:
    """Rounds chosen on validation, what they cost, and the error on test against Base."""
    plans = plans_of(domains, clip, noise, split)
    members = [LocalMember(*plan.build()) for plan in plans]
    with Transport(members, workers) as transport:
        run = run_rounds(transport, 10, patience=2)
    test = [standing.test for standing in run.standings]
    ratio = test[run.chosen] / test[0]
    epsilon = epsilon_after(2 * run.standings[-1].round, noise, 1e-5) if noise else float("inf")
    return [float(run.chosen), epsilon, ratio]


if __name__ == "__main__":
    sys.exit(main())
