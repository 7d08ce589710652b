"""The compose profile from this machine's side: what docker-compose.yml takes from outside is made here, then the engine is asked."""
