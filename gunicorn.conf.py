"""What gunicorn does: check the environment variables before it starts processes, and log as the service does."""

import gc
import signal
from types import FrameType
from typing import Any

from importsvc.environment import variables
from importsvc.logs.config import make_config

variables.check_all()

logconfig_dict = make_config(line_format=variables.LOG_FORMAT.read(), level=variables.LOG_LEVEL.read())


def post_worker_init(worker: Any) -> None:
    """Exempt what is loaded from garbage collection, and let ``/health/ready`` say when the process ends.

    Connections that are still open may ask for it.
    """
    from importsvc.monitoring.health import Draining

    # It is never garbage, and each full collection would look at all of it.
    gc.freeze()
    stop: Any = signal.getsignal(signal.SIGTERM)

    def drain(number: int, frame: FrameType | None) -> None:
        Draining.has_begun = True
        stop(number, frame)

    signal.signal(signal.SIGTERM, drain)
