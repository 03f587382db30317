"""What gunicorn does: check the environment variables before it starts processes, and log as the service does."""

import signal
from types import FrameType
from typing import Any

from importsvc.environment import variables
from importsvc.logs.config import make_config

variables.check_all()

logconfig_dict = make_config(line_format=variables.LOG_FORMAT.read(), level=variables.LOG_LEVEL.read())


def post_worker_init(worker: Any) -> None:
    """Let ``/health/ready`` say, on connections that are still open, that the process ends."""
    from importsvc.monitoring.health import Draining

    stop: Any = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        Draining.has_begun = True
        stop(number, frame)

    signal.signal(signal.SIGTERM, drain)
