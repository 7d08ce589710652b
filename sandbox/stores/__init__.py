"""Shops from files that nobody here wrote, each with the tenant and feed that read it (`<shop>.toml`)."""
