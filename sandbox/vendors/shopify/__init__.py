"""A simulated Shopify: the Admin GraphQL API, bulk operations and tokens of shops kept in SQLite files."""
