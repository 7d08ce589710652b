"""Simulated vendors: in go the stores of simulated shops, out come the vendors' own protocols. May not import varai."""
