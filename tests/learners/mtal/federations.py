"""Small federations to test the protocol on."""

from __future__ import annotations

from learners.models.schedule import Fitting
from learners.mtal.partition import deal
from learners.mtal.plans import Held, Plan
from learners.mtal.settings import Settings
from learners.mtal.steps import Step
from learners.mtal.transport import LocalMember, Transport
from learners.splits import three_parts
from tests.learners.mtal import made

SESSION, KEY = "test", b"a key agreed upon"
QUICK = Fitting(epochs=4, batch=16, rate=3e-3)


def domains(organisations=3, *, users=40, items=24, validation=0.15, **options):
    parts = three_parts(made.ratings(users, items), validation=validation, seed=1)
    return deal(parts, partition=f"uniform:{organisations}", **options)


def settings(number=0, **options):
    options = {"fitting": QUICK, "step": Step(eta=0.3), "seed": number, **options}
    return Settings(**options)


def plans(dealt, folder=None, **options):
    return [
        Plan(
            Held(domain),
            settings(number, **options),
            SESSION,
            KEY,
            None if folder is None else folder / domain.name,
        )
        for number, domain in enumerate(dealt)
    ]


def local(made_plans, *, through_bytes=False, **options):
    members = [LocalMember(*plan.build(), through_bytes=through_bytes) for plan in made_plans]
    return Transport(members, **options)
