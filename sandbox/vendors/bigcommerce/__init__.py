"""The simulated BigCommerce: its REST APIs V3 and V2 over stores kept as records."""
