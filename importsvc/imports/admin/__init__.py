"""The admin of imports: to look at, and to revert. Nothing else about an import or its changes can be done there."""

from importsvc.imports.admin import import_admin  # noqa: F401 - registers itself
