"""Airflow's plugin: the River page, in the navigation of every region's Airflow."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from varai.orchestration.river_page import app


class RiverPlugin(AirflowPlugin):
    """Serves the page under /river/ and links it from the navigation."""

    name = "varai"
    fastapi_apps: ClassVar[list[Any]] = [{"app": app, "url_prefix": "/river", "name": "River"}]
    external_views: ClassVar[list[Any]] = [
        {"name": "River", "href": "/river/", "destination": "nav", "url_route": "river", "category": "browse"}
    ]
