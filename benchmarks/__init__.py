"""Benchmarks: sortax side by side with JAX, NumPy and PyTorch in one run, as ratios."""
