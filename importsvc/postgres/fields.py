"""Model fields for PostgreSQL's type json."""

from __future__ import annotations

import json
from typing import Any

from django.db import models


class OrderedJsonField(models.JSONField):
    """JSON that keeps the order of the members of objects, which jsonb does not."""

    def db_type(self, connection: Any) -> str:
        """PostgreSQL's type."""
        return "json"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Cast to text, which the field decodes: the driver would decode json."""
        return f"{sql}::text", params

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """As text: the driver would cast JSON to jsonb."""
        if value is None or hasattr(value, "as_sql"):
            return value
        return json.dumps(value, cls=self.encoder)
