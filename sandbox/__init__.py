"""A stand-in outside world for laptops and tests: vendors (simulators), world (data), stores (demo shops), servers."""
