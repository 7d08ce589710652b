"""The simulated WooCommerce: its REST API v3 over shops kept as records."""
