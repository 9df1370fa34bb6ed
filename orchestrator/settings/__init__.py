"""Settings: what every process needs to know, from environment variables and the nearest `.local/environment`.

`docs/settings.md` is made from this package (`make docs`).
"""

from orchestrator.settings.fields import LOOPBACK
from orchestrator.settings.loading import ENVIRONMENT_FILE, find_environment, load_settings, project_folder
from orchestrator.settings.model import Settings

__all__ = ["ENVIRONMENT_FILE", "LOOPBACK", "Settings", "find_environment", "load_settings", "project_folder"]
