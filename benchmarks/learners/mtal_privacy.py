"""What messages give away, and what noise costs: python -m benchmarks.learners.mtal_privacy.

The attack rebuilds ratings from the residuals of the first round, for noise of several standard
deviations. The cost is the error of the whole method with that noise on residuals and predictions,
rows clipped; rate, weights and round are chosen on validation. A stopped run goes on where it was;
`--show` prints what is there, `--plot FOLDER` draws both over the noise.
"""

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

SPREADS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)  # standard deviations of the noise
CLIP = 4.0
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
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    attack = Lines(options.out / "mtal-attack.csv", ["clip", "spread"], ["rebuilt", "guessing"])
    utility = Lines(
        options.out / "mtal-utility.csv",
        ["clip", "spread", "split"],
        ["chosen", "rounds", "epsilon", "ratio_to_base"],
    )
    if not options.show and options.plot is None:
        run(attack, utility, options)
    if options.plot is not None:
        plot(attack, utility, options.plot)
        return 0
    attack.show()
    utility.show()
    return 0


def run(attack: Lines, utility: Lines, options: argparse.Namespace) -> None:
    data = read_movielens("ml-100k")
    parts = three_parts(data.ratings, validation=0.1, seed=0)
    domains = deal(parts, partition="uniform:8")
    for clip in (UNCLIPPED, CLIP):
        for spread in SPREADS:
            if not attack.has(clip, spread):
                attack.add([clip, spread], rebuilt(domains, clip, spread / (2 * clip)))
    for split in range(0 if options.attack_only else options.splits):
        parts = three_parts(data.ratings, validation=0.1, seed=split)
        domains = deal(parts, partition="uniform:8", seed=split)
        for spread in SPREADS:
            if not utility.has(CLIP, spread, split):
                noise = spread / (2 * CLIP)
                values = with_noise(domains, CLIP, noise, split, options.workers)
                utility.add([CLIP, spread, split], values)
                print(f"spread {spread}, split {split}: {values}", file=sys.stderr, flush=True)


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
    """Round chosen on validation, rounds, what they cost, and the error on test against Base."""
    plans = plans_of(domains, clip, noise, split)
    members = [LocalMember(*plan.build()) for plan in plans]
    with Transport(members, workers) as transport:
        run = run_rounds(transport, 10, patience=2)
    test = [standing.test for standing in run.standings]
    ratio = test[run.chosen] / test[0]
    rounds = run.standings[-1].round
    epsilon = epsilon_after(2 * rounds, noise, 1e-5) if noise else float("inf")
    return [float(run.chosen), float(rounds), epsilon, ratio]


def plot(attack: Lines, utility: Lines, folder: Path) -> None:
    """Draw what the attack rebuilds and what the method still gains, over the noise."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(2, 1, figsize=(6, 6), sharex=True)
    for clip, label in ((UNCLIPPED, "rows not clipped"), (CLIP, f"rows clipped at {CLIP:g}")):
        found = [row for key, row in attack.rows.items() if float(key[0]) == clip]
        spreads = [float(row["spread"]) for row in found]
        axes[0].plot(spreads, [float(row["rebuilt"]) for row in found], marker=".", label=label)
    guessing = [float(row["guessing"]) for row in attack.rows.values()][:1]
    axes[0].axhline(*guessing, color="grey", linestyle=":", label="the commonest rating")
    axes[0].set_ylabel("ratings rebuilt")
    splits = sorted({key[2] for key in utility.rows})
    for split in splits:
        found = [row for key, row in utility.rows.items() if key[2] == split]
        spreads = [float(row["spread"]) for row in found]
        ratios = [float(row["ratio_to_base"]) for row in found]
        axes[1].plot(spreads, ratios, marker=".", label=f"split {split}")
    axes[1].axhline(1.0, color="grey", linestyle=":", label="Base")
    axes[1].set_ylabel("RMSE on test / Base")
    axes[1].set_xlabel("standard deviation of the noise on each residual")
    axes[1].set_xscale("symlog", linthresh=0.1)
    axes[1].set_xticks(SPREADS, [f"{spread:g}" for spread in SPREADS])
    for one in axes:
        one.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(folder / "privacy.png", dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
