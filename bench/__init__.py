"""Benchmarks: ours beside a peer in one run; ratios out. `python -m bench`."""
