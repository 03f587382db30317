"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.database import execute


def describe_machine() -> list[tuple[str, str]]:
    """Names and values; nothing that tells one machine from another of its kind."""
    postgresql = str(execute("SHOW server_version")[0][0]).split()[0]
    libraries = ("Django", "djangorestframework", "djangorestframework-jsonapi", "django-import-export", "gunicorn")
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", f"{psutil.virtual_memory().total / 2**30:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}"),
        ("Python", platform.python_version()),
        ("PostgreSQL", f"{postgresql}, the embedded one with its default settings"),
        ("libraries", ", ".join(f"{name} {version(name)}" for name in libraries)),
    ]


def _processor() -> str:
    details = Path("/proc/cpuinfo")
    if details.exists():
        for line in details.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
