"""Numba kernels: plain loops over arrays, compiled when first called, runnable without a compiler.

Kernels take arrays and numbers only; which objective is meant is told by small integers. Matrices
are read-only views, so that one compiled version serves every input.
"""
