"""What all tests share: hypothesis draws the same examples every time, and never by the clock."""

from __future__ import annotations

import os

# Tests run side by side: threads that wait must not spin on the others' processors.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
