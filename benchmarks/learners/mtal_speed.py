"""Speed of MTAL beside a plain dense PyTorch loop: python -m benchmarks.learners.mtal_speed."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from learners.models.schedule import Fitting
from learners.movielens import MovieLens, read_movielens
from learners.mtal.domain import Domain
from learners.mtal.local import Learner
from learners.mtal.partition import deal
from learners.mtal.plans import Held, Plan
from learners.mtal.processes import ProcessMember
from learners.mtal.rounds import complete, run_rounds
from learners.mtal.settings import Settings
from learners.mtal.transport import LocalMember, Transport
from learners.splits import three_parts
from learners.training.devices import choose_device


def main() -> int:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="ml-100k", choices=["ml-100k", "ml-1m"])
    parser.add_argument("--repeats", type=int, default=5, help="of the epochs timed by turns")
    parser.add_argument("--method", default="residuals", choices=["residuals", "factors"])
    parser.add_argument("--rounds", type=int, help="10, or 20 of factors")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=["cpu", "auto", "cuda"])
    parser.add_argument("--skip-run", action="store_true", help="time epochs alone")
    parser.add_argument("--processes", action="store_true", help="organisations in processes")
    options = parser.parse_args()
    data = read_movielens(options.data)
    parts = three_parts(data.ratings, validation=0, seed=0)
    domains = deal(parts, partition="uniform:8")
    batch = 100 if options.data == "ml-100k" else 500
    settings = Settings(method=options.method, fitting=Fitting(batch=batch), device=options.device)
    if options.method == "residuals":
        targets = parts.train.csr(data.ratings.shape)
        epochs(domains, targets, batch, options.repeats, options.device)
    if not options.skip_run:
        rounds = options.rounds or (10 if options.method == "residuals" else 20)
        whole_run(domains, settings, rounds, options.workers, options.processes, data)
    return 0


def epochs(domains: list[Domain], targets, batch: int, repeats: int, device: str) -> None:
    """Seconds an epoch of one organisation's model, ours and dense by turns, on one core.

    Or on another device, both of them.
    """
    torch.set_num_threads(1)
    settings = Settings(fitting=Fitting(epochs=5, batch=batch), device=device)
    learner = Learner(domains[0], settings, None, targets.shape[1])
    dense = DenseLoop(domains[0], targets, batch, choose_device(device))
    learner.fit(targets, 1)
    dense.fit(1)
    ours, theirs = [], []
    for repeat in range(repeats):
        ours.append(timed(lambda number=repeat: learner.fit(targets, number)) / 5)
        theirs.append(timed(lambda: dense.fit(5)) / 5)
    where = "1 core" if device == "cpu" else device
    print(f"| one organisation's epoch, {where} | median s | least s |\n| --- | --- | --- |")
    for name, seconds in (("as here", ours), ("plain dense PyTorch", theirs)):
        print(f"| {name} | {np.median(seconds):.4f} | {min(seconds):.4f} |")
    ratios = np.array(ours) / np.array(theirs)
    print(f"\nratio, median of {repeats}: {np.median(ratios):.3f}\n", flush=True)


class DenseLoop:
    """The same model and training as one would write them down: dense rows, a boolean mask."""

    def __init__(self, domain: Domain, targets, batch: int, device: torch.device) -> None:
        self.device = device
        self.inputs = torch.tensor(domain.ratings().toarray(), device=device)
        self.targets = torch.tensor(targets.toarray(), device=device)
        self.observed = self.targets != 0
        self.batch = batch

    def fit(self, count: int) -> None:
        network = nn.Sequential(
            nn.Linear(self.inputs.shape[1], 256), nn.Tanh(), nn.Linear(256, 128), nn.Tanh(),
            nn.Dropout(0.5), nn.Linear(128, 256), nn.Tanh(),
            nn.Linear(256, self.targets.shape[1]),
        ).to(self.device)  # fmt: skip
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, weight_decay=5e-4)
        for _ in range(count):
            order = torch.randperm(len(self.inputs))
            for rows in order.split(self.batch):
                optimiser.zero_grad()
                mask = self.observed[rows]
                scores = network(self.inputs[rows])
                functional.mse_loss(scores[mask], self.targets[rows][mask]).backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()


def whole_run(
    domains: list[Domain],
    settings: Settings,
    rounds: int,
    workers: int,
    processes: bool,
    data: MovieLens,
) -> None:
    """Wall clock, processor time and peak memory of a run, and of completing all ratings."""
    plans = [Plan(Held(domain), settings, "speed", b"speed") for domain in domains]
    started, busy = time.perf_counter(), time.process_time()
    members = [ProcessMember(p) if processes else LocalMember(*p.build()) for p in plans]
    with Transport(members, workers) as transport:
        run = run_rounds(
            transport,
            rounds,
            method=settings.method,
            on_round=lambda s: print(f"round {s.round}: {s.seconds:.1f} s", file=sys.stderr),
        )
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
        complete(transport, rounds)
        completed = time.perf_counter() - started - seconds
    memory = max(
        resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    users, items = data.ratings.shape
    what = f"rounds x {settings.fitting.epochs} epochs"
    if settings.method == "factors":
        what = f"sweeps of {settings.factors.count} factors"
    where = "processes" if processes else "threads"
    print(
        f"{data.name}, {users} x {items}, {len(domains)} organisations, {rounds} {what}, "
        f"{workers} {where} on {os.cpu_count()} cores: "
        f"{seconds:.1f} s, processor time {busy:.1f} s; completing {completed:.1f} s; largest "
        f"process {memory / 2**20:.2f} GiB; RMSE of round {run.chosen} {run.standings[-1].test:.4f}"
    )


def timed(work) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
