"""Make the embedded sample anew: ``python -m grouping.data.make_sample FILE.csv``.

Two hundred invented travellers rate thirty invented points of interest from 1 to 5.
"""

from __future__ import annotations

import sys

from grouping.generate import generate
from grouping.ratings import Ratings

POINTS_OF_INTEREST = (
    "Amber Street Market", "Beacon Hill Viewpoint", "Botanical Glasshouse", "Captain's Tavern",
    "Castle Ruins", "Cathedral of the Mariners", "City Art Museum", "Cliff Walk",
    "Clockmakers' Workshop", "Ferry to Seal Island", "Fishermen's Quay", "Folk Music Hall",
    "Fountain Square", "Glass Bridge", "Harbour Baths", "Herb Garden", "Lantern Theatre",
    "Lower Town Cellars", "Maritime Museum", "Natural History Cabinet", "Night Food Court",
    "Old Lighthouse", "Orchard Cable Car", "Printers' Quarter", "Puppet Museum",
    "Railway Yard Galleries", "River Kayak Hire", "Sandpiper Beach", "Starlight Observatory",
    "Windmill Farm",
)  # fmt: skip


def sample() -> Ratings:
    """Make the sample: 200 users of six tastes and 30 items, complete.

    Returns
    -------
    ratings : Ratings
    """
    raw = generate(200, len(POINTS_OF_INTEREST), clusters=6, noise=0.2, seed=2015)
    return Ratings.of(
        raw.matrix,
        users=[f"t{number:03d}" for number in range(1, 201)],
        items=POINTS_OF_INTEREST,
        scale=raw.scale,
        source="sample",
    )


if __name__ == "__main__":
    from grouping.writing import write_ratings

    write_ratings(sample(), sys.argv[1])
