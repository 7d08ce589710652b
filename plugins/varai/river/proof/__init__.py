"""Proof of sync, row by row: prints of every place's rows, digests in buckets, differences by key, and their repair."""
