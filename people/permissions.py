"""The scopes of tokens: what a request may do with the token it is sent with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from importsvc.jsonapi.errors import RequestError
from people.models import Scope

# Of the actions of views that need another scope than all other requests that change something.
_SCOPES: Mapping[str, Scope] = {"revert": Scope.REVERT}


class HasScope(BasePermission):
    """Lets a request pass if its token has the scope that the request needs."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, also for a method that the endpoint does not have.

        Raises:
            RequestError: the token does not have the scope, which the message names.
        """
        if view.action is None:
            return True
        require_scope(request, Scope.READ if request.method in SAFE_METHODS else _SCOPES.get(view.action, Scope.IMPORT))
        return True


def require_scope(request: Request, scope: Scope) -> None:
    """Check that the request's token has a scope.

    Raises:
        RequestError: it does not; the message names the scope.
    """
    if not has_scope(request, scope):
        raise RequestError("access_denied", f"The token does not have the scope '{scope}'", header="X-Auth-Token")


def has_scope(request: Request, scope: Scope) -> bool:
    """Whether the request's token has a scope."""
    token: Any = request.auth
    return scope in token.scopes
