"""HTML pages beside the API: to watch sagas, and to put them right. They work without JavaScript."""

from orchestrator.console.pages import bulks, deeds, export, parked, parked_deeds, watching

ROUTERS = (export.router, watching.router, deeds.router, bulks.router, parked.router, parked_deeds.router)

__all__ = ["ROUTERS"]
