"""Make Airflow ready once: its tables, its administrator, a pool per region, and what `varai migrate` brings up to date.

Runs in the platform image as `airflow-init`; safe to repeat. The administrator's password is read from a file and handed
over inside this process, so that no list of processes shows it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from airflow.__main__ import main as airflow

from varai.settings import load

_PASSWORD = Path("/run/secrets/airflow-admin")


def main() -> None:
    """Take every step; the first that fails ends the container, and the next `make up` tries again."""
    subprocess.run(["airflow", "db", "migrate"], check=True)
    for region in load().regions:
        told = f"tasks that open the warehouse of {region}"
        subprocess.run(["airflow", "pools", "set", f"warehouse-{region}", "1", told], check=True)
    subprocess.run(["varai", "migrate"], check=True)
    sys.argv = [
        "airflow", "users", "create", "--role", "Admin", "--username", "admin", "--firstname", "Ada",
        "--lastname", "Admin", "--email", "admin@localhost", "--password", _PASSWORD.read_text().strip(),
    ]  # fmt: skip
    airflow()


if __name__ == "__main__":
    main()
