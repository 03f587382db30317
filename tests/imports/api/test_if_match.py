"""The tag of a preview, and runs and reverts on the condition that it still matches (``If-Match``)."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from people.models import Person
from tests.client import assert_error
from tests.imports.change_documents import Scene
from tests.snapshots import take_snapshot

CHANGED = "Something has changed since the preview whose ETag If-Match names"


def assert_precondition_failed(response: Any) -> None:
    assert_error(response, 412, "precondition_failed", CHANGED, source={"header": "If-Match"})


def test_a_preview_has_a_strong_tag_and_is_never_304(scene: Scene) -> None:
    path = f"imports/{scene.import_id}/import"

    response = scene.api.get(path)

    tag = response.headers["ETag"]
    assert tag.strip('"').isalnum()
    assert tag == f'"{tag[1:-1]}"'
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Vary"] == "Accept, Accept-Encoding, X-Auth-Token, X-Organization-Id"
    for known in (tag, f"W/{tag}", "*"):
        again = scene.api.get(path, **{"If-None-Match": known})
        assert (again.status_code, again.content) == (200, response.content)
    head = scene.api.request("HEAD", path)
    assert (head.status_code, head.headers) == (200, response.headers)


def test_a_request_with_the_current_tag_of_its_preview_is_done(scene: Scene) -> None:
    for method, move in (("POST", "import"), ("PATCH", "revert")):
        path = f"imports/{scene.import_id}/{move}"
        tag = scene.api.get(path).headers["ETag"]

        done = scene.api.request(method, path, headers={"If-Match": f'"other", {tag}'})

        assert done.status_code == 200
        assert "ETag" not in done.headers


def test_a_request_with_an_outdated_tag_of_its_preview_is_refused(scene: Scene) -> None:
    for method, move, title in (("POST", "import", "Boss of bosses"), ("PATCH", "revert", "Chair")):
        path = f"imports/{scene.import_id}/{move}"
        tag = scene.api.get(path).headers["ETag"]
        Person.objects.filter(pk=scene.ann.pk).update(title=title)
        before = take_snapshot()

        response = scene.api.request(method, path, headers={"If-Match": tag})

        assert_precondition_failed(response)
        assert take_snapshot() == before
        assert scene.api.get(path).headers["ETag"] != tag
        if move == "import":
            scene.run()


@pytest.mark.parametrize(("sent", "status"), [("*", 200), (" * ", 200), ('"*"', 412), ('W/"*"', 412), ('""', 412)])
def test_a_star_matches_any_state_and_a_star_in_quotes_matches_none(scene: Scene, sent: str, status: int) -> None:
    for method, move in (("POST", "import"), ("PATCH", "revert")):
        path = f"imports/{scene.import_id}/{move}"
        response = scene.api.request(method, path, headers={"If-Match": sent})
        assert response.status_code == status
        if status == 412:
            assert_precondition_failed(response)
        if move == "import" and status == 412:
            scene.run()


def test_the_tag_of_a_compressed_preview_matches(scene: Scene) -> None:
    for method, move in (("POST", "import"), ("PATCH", "revert")):
        path = f"imports/{scene.import_id}/{move}"
        plain, compressed = scene.api.get(path), scene.api.get(path, **{"Accept-Encoding": "gzip"})

        assert gzip.decompress(compressed.content) == plain.content
        assert compressed.headers["ETag"] == f"W/{plain.headers['ETag']}"
        done = scene.api.request(method, path, headers={"If-Match": compressed.headers["ETag"]})
        assert done.status_code == 200


@pytest.mark.parametrize("header", ["banana", "", '"a', "*,*"])
@pytest.mark.parametrize(("method", "move"), [("POST", "import"), ("PATCH", "revert")])
def test_an_invalid_if_match_is_refused_and_nothing_is_done(scene: Scene, method: str, move: str, header: str) -> None:
    if move == "revert":
        scene.run()
    before = take_snapshot()

    response = scene.api.request(method, f"imports/{scene.import_id}/{move}", headers={"If-Match": header})

    detail = "If-Match must be * or a list of tags in quotes"
    assert_error(response, 400, "bad_request", detail, source={"header": "If-Match"})
    assert take_snapshot() == before


def test_a_request_in_the_wrong_state_is_a_conflict_whatever_its_if_match(scene: Scene) -> None:
    response = scene.api.request("PATCH", f"imports/{scene.import_id}/revert", headers={"If-Match": '"a"'})

    assert_error(response, 409, "conflict", "The import is in state 'created' and cannot be reverted")
