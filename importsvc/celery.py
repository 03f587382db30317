"""Celery, which carries wake-ups to workers where ``CELERY_BROKER_URL`` is set: ``celery -A importsvc worker``.

A message is a hint: the operations are in the database, and a worker's claim is the lock of a row there. So a message
is acknowledged before the work (early ack), may be lost and may come twice.
"""

import os
import sys

import click
from celery import Celery
from django.conf import settings
from kombu.entity import Queue

from importsvc.environment.variables import EXIT_CODE
from importsvc.operations.stopping import GRACE_SECONDS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "importsvc.settings")

if not settings.CELERY_BROKER_URL:
    sys.stderr.write(
        "Celery needs CELERY_BROKER_URL, such as amqp://user:password@host:5672/. Without it, manage.py work does"
        " queued operations.\n"
    )
    raise SystemExit(EXIT_CODE)

app = Celery("importsvc")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    # A request that queues an operation waits so long for the broker; a worker tries again without end.
    broker_connection_timeout=1.0,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"confirm_publish": True},
    task_queues=[Queue(settings.CELERY_QUEUE, queue_arguments={"x-queue-type": "quorum"})],
    task_default_queue=settings.CELERY_QUEUE,
    task_acks_late=False,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_consumer="importsvc.operations.celery_worker:Consumer",
    # The service's own logging.
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    imports=["importsvc.operations.celery_worker"],
)
app.user_options["worker"].add(
    click.Option(
        ["--grace"],
        type=click.FloatRange(min=0),
        default=GRACE_SECONDS,
        help=f"Seconds that a running operation has after SIGTERM (default: {GRACE_SECONDS}).",
    )
)
