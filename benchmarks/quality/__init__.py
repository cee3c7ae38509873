"""Quality: how good formations are, how good they can be, and how long the proof takes.

``python -m benchmarks.quality`` runs the families `generated` and `uniform` (200 users x 100
items), `ml-100k`, `ml-1m` and `program` (the paper's integer program beside ours, at growing
sizes), and prints their tables. Every point goes to a CSV file, from which an interrupted run
goes on.
"""
