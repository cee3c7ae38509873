"""What the server that organisations' processes are forked from loads: code, and no one's data.

Torch takes seconds to load and kernels longer to compile: so it is done once, before there is an
organisation. To be imported by that server alone: what is loaded by then stays, and no organisation
need look whether it is garbage.
"""

from __future__ import annotations

import contextlib
import gc

from learners.mtal.rehearsal import rehearse

with contextlib.suppress(Exception):  # an organisation will say what is wrong
    rehearse()
gc.collect()
gc.freeze()
