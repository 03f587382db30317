"""Whatever bytes a client sends: each response is a JSON:API document, and nothing is staged by mistake."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from importsvc.imports.models import Import
from people.services import NewOrganization
from tests.client import CONTENT_TYPE, error_document
from tests.server.sockets import exchange, write_token
from tests.service import Service, run_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("refusals")]

LINE = "GET /api/v2/imports HTTP/1.1\r\n"
HOST = "Host: localhost\r\n"
POST = f"POST /api/v2/imports HTTP/1.1\r\n{HOST}Connection: close\r\n"
IMPORT = json.dumps({"data": {"type": "imports", "attributes": {"import_data": {"company": [{"name": "Blues"}]}}}})
LIMITS = "The headers are over a limit: 100 headers, 8190 bytes in one and 65536 in all"
LONG_LINE = (414, "uri_too_long", "The request line is longer than 65536 bytes")
TOO_LARGE = (431, "request_header_fields_too_large", LIMITS)
EXPECTATION = (417, "expectation_failed", "The only expectation that is supported is 100-continue")
UNAUTHENTICATED = (401, "unauthenticated", "You are not authenticated")
INCOMPLETE = "The connection was closed before the request body was complete"


def bad(detail: str) -> tuple[int, str, str]:
    return 400, "bad_request", detail


# Bytes, and the only response to them, after which the connection is closed. None: it is closed without one.
MALFORMED: dict[str, tuple[int, str, str] | None] = {
    "": None,
    "\r\n": None,
    "GET /api/v2/imports": None,
    LINE: None,
    LINE + "Host: loc": None,
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": None,
    "HELLO\r\n\r\n": bad("Invalid HTTP request line: 'HELLO'"),
    "\r\n\r\nGET / HTTP/1.1\r\n\r\n": bad("Invalid HTTP request line: ''"),
    f"GET /api/v2/imports HTTP/1.1\n{HOST}\r\n": bad("Invalid HTTP request line: 'bare LF as line terminator'"),
    f"{LINE}Host: localhost\n\n": bad("Invalid HTTP Header: 'bare LF as line terminator'"),
    f"GET /api/v2/imports\r\n{HOST}\r\n": bad("Invalid HTTP request line: 'GET /api/v2/imports'"),
    f"GET /api/v2/imports HTTP/3.0\r\n{HOST}\r\n": bad("Invalid HTTP Version: (3, 0)"),
    f"GET /api/v2/imports HTTP/x\r\n{HOST}\r\n": bad("Invalid HTTP Version: 'HTTP/x'"),
    f"GET /api/v2/im ports HTTP/1.1\r\n{HOST}\r\n": bad("Invalid HTTP Version: 'ports HTTP/1.1'"),
    f"GET /api/v2/\xff HTTP/1.1\r\n{HOST}\r\n": bad("Invalid HTTP request line: 'GET /api/v2/ÿ HTTP/1.1'"),
    f"get /api/v2/imports HTTP/1.1\r\n{HOST}\r\n": bad("Invalid HTTP method: 'get'"),
    f"G(T /api/v2/imports HTTP/1.1\r\n{HOST}\r\n": bad("Invalid HTTP method: 'G(T'"),
    f"{LINE}{HOST}{HOST}\r\n": bad("Invalid HTTP Header: 'HOST'"),
    f"{LINE}{HOST}X\r\n\r\n": bad("Invalid HTTP Header: 'X'"),
    f"{LINE}{HOST}X Y: z\r\n\r\n": bad("Invalid HTTP header name: 'X Y'"),
    f"{LINE}{HOST}X: a\x00b\r\n\r\n": bad("Invalid HTTP Header: 'X'"),
    f"{LINE}{HOST}X: a\r\n b\r\n\r\n": bad("Obsolete line folding is unacceptable: 'X'"),
    f"{LINE}{HOST}Expect: x\r\n\r\n": EXPECTATION,
    f"{LINE}{HOST}X: {'a' * 8200}\r\n\r\n": TOO_LARGE,
    f"{LINE}{HOST}" + "X: a\r\n" * 120 + "\r\n": TOO_LARGE,
    f"{LINE}{HOST}" + f"X: {'a' * 8000}\r\n" * 9 + "\r\n": TOO_LARGE,
    f"{LINE}{HOST}X: {'a' * 200_000}": TOO_LARGE,
    f"GET /api/v2/imports?{'a' * 70_000} HTTP/1.1\r\n{HOST}\r\n": LONG_LINE,
    "GET /" + "a" * 200_000: LONG_LINE,
    f"{POST}Content-Length: -5\r\n\r\n": bad("Invalid HTTP Header: 'CONTENT-LENGTH'"),
    f"{POST}Content-Length: 1x\r\n\r\n": bad("Invalid HTTP Header: 'CONTENT-LENGTH'"),
    f"{POST}Content-Length: {'9' * 5000}\r\n\r\n": bad("Invalid HTTP Header: 'CONTENT-LENGTH'"),
    f"{POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n": bad("Invalid HTTP Header: 'CONTENT-LENGTH'"),
    f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n": bad("Invalid HTTP Header: 'CONTENT-LENGTH'"),
    f"{POST}Transfer-Encoding: banana\r\n\r\n": bad("Unsupported transfer coding: 'banana'"),
    f"{POST}Transfer-Encoding: gzip\r\n\r\n": bad("Invalid HTTP Header: 'TRANSFER-ENCODING'"),
    f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n": UNAUTHENTICATED,
    f"{POST}Content-Length: 500\r\n\r\n{{": UNAUTHENTICATED,
}

HOSTS = ["evil.example.com", "localhost:x", "localhost, localhost", "a b", "[", "\xff", ""]
MALFORMED |= {
    f"{LINE}Host: {host}\r\nConnection: close\r\n\r\n": bad(
        "The Host header names none of the service's hosts (ALLOWED_HOSTS)"
    )
    for host in HOSTS
}

# Bodies with a token, and what is wrong with them.
BODIES = {
    f"Content-Length: {len(IMPORT) + 100}\r\n\r\n{IMPORT}": "The request body ends 100 bytes before its Content-Length",
    "Content-Length: 100\r\n\r\n{": "The request body ends 99 bytes before its Content-Length",
    f"Content-Length: 1000000\r\n\r\n{IMPORT}": (
        f"The request body ends {1_000_000 - len(IMPORT)} bytes before its Content-Length"
    ),
    f"Transfer-Encoding: chunked\r\n\r\n{len(IMPORT):x}\r\n{IMPORT}\r\n": INCOMPLETE,
    "Transfer-Encoding: chunked\r\n\r\n": INCOMPLETE,
    f"Transfer-Encoding: chunked\r\n\r\nzz\r\n{IMPORT}\r\n\r\n": (
        "The request body is malformed: Invalid chunk size: b'zz'"
    ),
    f"Transfer-Encoding: chunked\r\n\r\n{len(IMPORT) - 1:x}\r\n{IMPORT}\r\n0\r\n\r\n": (
        "The request body is malformed: Invalid chunk terminator is not '\\r\\n': b'}\\r'"
    ),
    f"Transfer-Encoding: chunked\r\n\r\n{len(IMPORT):x}\r\n{IMPORT}\r\n0\r\nX\r\n\r\n": (
        "The request body is malformed: Invalid HTTP Header: 'X'"
    ),
}


@pytest.fixture(scope="module")
def service(django_db_setup: None) -> Iterator[Service]:
    with run_service(WORKERS="0") as running:
        yield running


def test_whatever_is_sent_the_response_is_a_json_api_document_or_the_connection_is_closed(
    acme: NewOrganization, service: Service
) -> None:
    for sent, error in MALFORMED.items():
        responses = exchange(service.port, sent, then_closes=True)

        got = [(each.status, each.headers["Content-Type"], each.document) for each in responses]
        assert got == ([(error[0], CONTENT_TYPE, error_document(*error))] if error else []), sent[:200]
    assert service.send(acme, "GET", "imports").status == 200


def test_a_body_that_is_malformed_or_ends_early_is_refused_and_stages_nothing(
    acme: NewOrganization, service: Service
) -> None:
    for sent, detail in BODIES.items():
        (response,) = exchange(service.port, f"{POST}{write_token(acme)}{sent}", then_closes=True)

        assert (response.status, response.document) == (400, error_document(400, "bad_request", detail))
    assert not Import.objects.exists()


def test_a_request_whose_body_was_cut_off_can_be_sent_again_with_its_key(
    acme: NewOrganization, service: Service
) -> None:
    head = f"{POST}{write_token(acme)}Idempotency-Key: a\r\nContent-Length: {len(IMPORT)}\r\n\r\n"

    (cut_off,) = exchange(service.port, head + IMPORT[:-1], then_closes=True)
    (again,) = exchange(service.port, head + IMPORT)

    assert (cut_off.status, again.status) == (400, 201)
    assert Import.objects.count() == 1


def test_a_whole_body_is_read_whatever_its_transfer_encoding(acme: NewOrganization, service: Service) -> None:
    chunks = f"5\r\n{IMPORT[:5]}\r\n{len(IMPORT) - 5:x};name=value\r\n{IMPORT[5:]}\r\n"
    bodies = [
        f"Content-Length: {len(IMPORT)}\r\n\r\n{IMPORT}",
        f"Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n",
        f"Transfer-Encoding: chunked\r\n\r\n{chunks}000\r\nX-Digest: a\r\n\r\n",
    ]
    for sent in bodies:
        (response,) = exchange(service.port, f"{POST}{write_token(acme)}{sent}")

        assert response.status == 201
    assert Import.objects.count() == len(bodies)


def test_requests_that_are_sent_together_are_responded_to_in_order(acme: NewOrganization, service: Service) -> None:
    token = write_token(acme)
    chunked = f"Transfer-Encoding: chunked\r\n\r\n{len(IMPORT):x}\r\n{IMPORT}\r\n0\r\n\r\n"
    requests = [
        f"{LINE}{HOST}{token}\r\n",
        f"POST /api/v2/imports HTTP/1.1\r\n{HOST}{token}Content-Length: {len(IMPORT)}\r\n\r\n{IMPORT}",
        f"POST /api/v2/imports HTTP/1.1\r\n{HOST}{token}{chunked}",
        f"PUT /api/v2/imports HTTP/1.1\r\n{HOST}{token}{chunked}",
        f"GET /api/v2/nothing HTTP/1.1\r\n{HOST}Connection: close\r\n{token}\r\n",
    ]

    responses = exchange(service.port, "".join(requests))

    assert [response.status for response in responses] == [200, 201, 201, 405, 404]
    assert Import.objects.count() == 2


def test_a_list_of_1500_ids_in_the_url_is_served(acme: NewOrganization, service: Service) -> None:
    ids = ",".join(str(10_000_000 + number) for number in range(1500))

    reply = service.send(acme, "GET", f"imports?filter[import_model_id]={ids}")

    assert (reply.status, reply.document["data"]) == (200, [])


def test_headers_that_a_proxy_may_set_change_nothing_without_one(acme: NewOrganization, service: Service) -> None:
    request = f"{LINE}{HOST}Connection: close\r\n{write_token(acme)}"
    (plain,) = exchange(service.port, f"{request}\r\n")
    headers = [
        "SCRIPT_NAME: /evil",
        "SCRIPT_NAME: /api",
        "SCRIPT-NAME: /api",
        "PATH_INFO: /admin/login/",
        "REMOTE_ADDR: 10.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Protocol: ssl",
        "X-Forwarded-Ssl: on",
        "X_Forwarded_Proto: https",
        "X-Forwarded-Host: evil.example.com",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-For: 10.0.0.1",
        "Forwarded: proto=https;host=evil.example.com",
    ]
    for header in [*headers, "\r\n".join(headers)]:
        (response,) = exchange(service.port, f"{request}{header}\r\n\r\n")

        assert (response.status, response.document) == (200, plain.document), header
    # A rule of a proxy for /admin/ cannot be got round.
    (admin,) = exchange(
        service.port, f"GET /api/admin/login/ HTTP/1.1\r\n{HOST}Connection: close\r\nSCRIPT_NAME: /api\r\n\r\n"
    )
    assert (admin.status, admin.headers["Content-Type"]) == (404, CONTENT_TYPE)


def test_links_are_https_if_a_trusted_proxy_says_so(acme: NewOrganization) -> None:
    sent = f"{LINE}{HOST}Connection: close\r\n{write_token(acme)}"
    for settings, scheme in (
        ({"BEHIND_TLS_PROXY": "true"}, "https"),
        ({"BEHIND_TLS_PROXY": "true", "TRUSTED_PROXIES": "10.0.0.5"}, "http"),
    ):
        with run_service(WORKERS="0", **settings) as running:
            (response,) = exchange(running.port, f"{sent}X-Forwarded-Proto: https\r\n\r\n")

        assert response.document["links"]["first"].startswith(f"{scheme}://localhost/"), settings
