"""What gunicorn does in this folder before it starts a worker: check the environment variables, once."""

from importsvc.environment import variables

variables.check_all()
