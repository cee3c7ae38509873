"""Seconds: python -m benchmarks.learners.dmtl_speed [--threads 2].

A fit of MovieLens 100K whole, and predictions for 1,000 groups of 5 for all items. The time that
all cores together computed says more than the clock where the machine does other things too.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from benchmarks.learners.dmtl_data import matrix, read
from learners.dmtl.groups import Groups
from learners.dmtl.model import DMTL
from learners.dmtl.settings import Settings
from learners.dmtl.told import Told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    data = read("ml-100k")
    told = Told(matrix(data, data.rows), profiles=data.profiles, attributes=data.attributes)
    seconds, computing = [], []
    for _ in range(options.repeat):
        started, before = time.perf_counter(), time.process_time()
        model = DMTL(Settings()).fit(told, device="cpu", threads=options.threads)
        seconds.append(time.perf_counter() - started)
        computing.append(time.process_time() - before)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} threads, torch", end=" "
    )
    print(torch.__version__)
    print(
        f"fit: {min(seconds):.1f} s at least, {np.median(seconds):.1f} s median (of all cores "
        f"together {min(computing):.1f} s at least), {model.epochs}",
        end=" ",
    )
    print(f"epochs chosen, {len(model.curve)} trained")
    rng = np.random.default_rng(0)
    users = len(data.users)
    groups = Groups.of(1000, [rng.choice(users, 5, replace=False) for _ in range(1000)])
    for aggregation in ("mean", "min"):
        model = DMTL(replace(Settings(), aggregation=aggregation, epochs=1, validation=0.0))
        model.fit(told, device="cpu", threads=options.threads)
        seconds, computing = [], []
        for _ in range(5):
            started, before = time.perf_counter(), time.process_time()
            model.predict_groups(groups)
            seconds.append(time.perf_counter() - started)
            computing.append(time.process_time() - before)
        print(
            f"1,000 groups x {len(data.items)} items, {aggregation}: {min(seconds):.2f} s at",
            end="",
        )
        print(f" least, {np.median(seconds):.2f} s median", end="")
        print(f" (of all cores together {min(computing):.2f} s at least)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
