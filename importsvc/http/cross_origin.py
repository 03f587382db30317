"""Headers that pages of other origins may send and read, where the operator allows these origins (CORS)."""

from __future__ import annotations

URLS = r"^/api/"

REQUEST_HEADERS = (
    "accept",
    "content-disposition",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "prefer",
    "x-auth-token",
    "x-organization-id",
    "x-request-id",
)

# Besides those that a page may read of every response, such as Content-Type.
RESPONSE_HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Content-Disposition",
    "Content-Location",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-RateLimit-Reset",
    "X-Request-Id",
)

METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")

# Seconds for which a browser need not ask again; Chromium asks after two hours at the latest.
PREFLIGHT_SECONDS = 7200
