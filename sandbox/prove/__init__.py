"""The fault matrix: every connector under every fault converges to the vendor's truth, or stops with a typed error. `make prove`."""
