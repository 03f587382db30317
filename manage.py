#!/usr/bin/env python
"""Runs the management commands of Django and of the project."""

import os
import sys

from django.core.management import execute_from_command_line

from importsvc.management.interrupts import run_interruptible

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "importsvc.settings")
    run_interruptible(lambda: execute_from_command_line(sys.argv))
