"""The simulated Magento: its REST API V1 over shops kept as records."""
