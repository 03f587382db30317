"""Operations that organizations may send again without anything being done twice."""

from __future__ import annotations

from typing import Any

from importsvc.idempotency.services import Settled, settle_once
from importsvc.jsonapi.idempotency import make_idempotent


def _settle(view: Any, **request: Any) -> Settled:
    return settle_once(organization=view.organization, **request)


# Decorates the handlers of an ``OrganizationScopedViewSet``; see ``make_idempotent``.
idempotent = make_idempotent(_settle)
