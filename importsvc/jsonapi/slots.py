"""Requests that may take long: a decorator of handlers that limits how many of them a process handles at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from importsvc.errors import Unavailable
from importsvc.http import get_content_length, slots

Handler = Callable[..., Any]


def takes_slot(
    *,
    measure: Callable[[Any], int] = lambda _view: 0,
    explain: Callable[[Any], None] = lambda _view: None,
    is_read: bool = False,
) -> Callable[[Handler], Handler]:
    """Let a request run the handler only if the process has a slot for it, before the body is read.

    Args:
        measure: the size in bytes of what the view's request is about, besides its body.
        explain: raises the reason for which the view's request would be refused in any case, if there is one.
        is_read: the handler neither writes nor waits for locks, and needs no slot unless it takes long.

    Raises:
        Unavailable: there is no slot.
    """

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            with ExitStack() as stack:
                if slots.SLOTS.are_limited:
                    is_long = _get_body_size(request) + measure(view) > slots.SHORT_BYTES
                    if is_long or not is_read:
                        try:
                            stack.enter_context(slots.SLOTS.take(view.slot_owner, is_long=is_long))
                        except Unavailable:
                            explain(view)
                            raise
                response: Response = handler(view, request, *args, **kwargs)
                return response

        return handle

    return decorate


def _get_body_size(request: Request) -> int:
    return get_content_length(request.META)
