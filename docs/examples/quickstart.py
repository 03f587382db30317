"""A first import with requests. API, ORGANIZATION and TOKEN are in the environment; script/server prints all three."""

import os
import uuid
from typing import Any

import requests

api = os.environ["API"]
session = requests.Session()
session.headers.update(
    {
        "X-Auth-Token": os.environ["TOKEN"],
        "X-Organization-Id": os.environ["ORGANIZATION"],
        "Content-Type": "application/vnd.api+json",
    }
)


def stage(import_data: dict[str, Any]) -> requests.Response:
    document: dict[str, Any] = {"data": {"type": "imports", "attributes": {"import_data": import_data}}}
    return session.post(f"{api}/imports", json=document)


# Every error of every row comes at once, and nothing is staged.
refused = stage({"person": [{"First Name": "", "Email": "john@mail.com"}]})
for error in refused.json()["errors"][0]["detail"]["person"]:
    print(f"Row {error['row']}: {error['messages'][0]}")

staged = stage(
    {
        "company": [{"name": "Import"}],
        "person": [{"First Name": "John", "Last Name": "Doe", "Email": "john@mail.com", "Company": "Import"}],
    }
)
staged.raise_for_status()
import_id = staged.json()["data"]["id"]
print(f"Staged as import {import_id}")

# The preview has an ETag: with it, a run does what was shown, or nothing.
preview = session.get(f"{api}/imports/{import_id}/import")
counts = preview.json()["meta"]["counts"]
print(f"Creates {counts['company']['created']} company, {counts['person']['created']} person")

# With an Idempotency-Key, a request can be sent again after a lost response.
headers = {"If-Match": preview.headers["ETag"], "Idempotency-Key": str(uuid.uuid4())}
session.post(f"{api}/imports/{import_id}/import", headers=headers).raise_for_status()
people = session.get(f"{api}/people", params={"filter[import_id]": import_id})
for person in people.json()["data"]:
    print(f"Imported {person['attributes']['email']}")

session.patch(f"{api}/imports/{import_id}/revert").raise_for_status()
people = session.get(f"{api}/people", params={"filter[import_id]": import_id})
print(f"Reverted, {people.json()['meta']['total_count']} left")
