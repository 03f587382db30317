"""The admin of imports: staff view imports and their changes, and revert imports."""

from importsvc.imports.admin import import_admin  # noqa: F401 - registers itself
