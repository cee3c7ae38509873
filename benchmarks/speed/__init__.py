"""How fast groups are formed, as ratios to yardsticks timed in the same run.

``python -m benchmarks.speed`` runs every family, a module each: `dense`, `sparse`, `growth`,
`figures`, `rivals`, `commands`, `kernels`. Each has a title, its cases by size (toy, default,
full), and a function `bench` that measures one case with the fixture `race`.
"""
