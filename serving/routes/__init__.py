"""One module per noun; each offers `router`, and `create_app` includes it by name."""
