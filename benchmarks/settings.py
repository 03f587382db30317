"""The service's settings, and the baselines' URLs."""

from importsvc.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.urls"
