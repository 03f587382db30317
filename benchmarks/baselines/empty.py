"""Views that do nothing: what Django and gunicorn cost without us."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def answer(request: HttpRequest) -> HttpResponse:
    """Nothing."""
    return HttpResponse(b"")


@csrf_exempt
def answer_in_transaction(request: HttpRequest) -> HttpResponse:
    """Nothing, after a transaction in which nothing happens: what everything that writes costs at least."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse(b"")
