"""HTML pages beside the API: to watch sagas, and to put them right. They work without JavaScript."""

from orchestrator.console.pages import (
    bulks,
    deeds,
    doors,
    export,
    finding,
    lost,
    me,
    parked,
    parked_deeds,
    provider,
    sagas,
    thread,
    watching,
)

ROUTERS = (
    *(export.router, watching.router, sagas.router, deeds.router, bulks.router),
    *(parked.router, parked_deeds.router, doors.router, provider.router, me.router, thread.router),
    finding.router,
)

LOST = lost.router
"""Where no other route is."""

__all__ = ["LOST", "ROUTERS"]
