"""A file of 30,000 people with mistakes, uploaded, mapped, corrected, imported and reverted, with requests.

API, ORGANIZATION and TOKEN are in the environment; script/server prints all three.
"""

import csv
import io
import os
from typing import Any

import requests

api = os.environ["API"]
session = requests.Session()
session.headers.update({"X-Auth-Token": os.environ["TOKEN"], "X-Organization-Id": os.environ["ORGANIZATION"]})


def send(method: str, path: str, **options: Any) -> Any:
    response = session.request(method, f"{api}/{path}", **options)
    response.raise_for_status()
    return response.json()


def upload(content: bytes, name: str) -> Any:
    headers = {"Content-Type": "text/csv", "Content-Disposition": f'attachment; filename="{name}"'}
    return send("POST", "import_files", data=content, headers=headers)["data"]


def send_import(method: str, path: str, attributes: Any, **members: Any) -> Any:
    document = {"data": {"type": "imports", "attributes": attributes, **members}}
    params = {"fields[imports]": "error_count,counts"}
    return send(method, path, json=document, params=params, headers={"Content-Type": "application/vnd.api+json"})[
        "data"
    ]


def stage(file: Any, mapping: Any) -> Any:
    linkage = {"import_file": {"data": {"type": "import_files", "id": file["id"]}}}
    return send_import("POST", "imports", {"mapping": mapping}, relationships=linkage)


def run(import_: Any) -> None:
    # Rows with errors are left out.
    attributes = send_import("POST", f"imports/{import_['id']}/import", {"on_row_error": "skip"})["attributes"]
    counts = {record_type: of["created"] for record_type, of in attributes["counts"].items()}
    print(f"Imported {counts['person']:,} people and {counts['company']:,} companies")


# A file as programs of Windows write it: semicolons, Windows-1252, decimal commas. 300 people are in it twice.
lines = ["Kundennummer;Vorname;Nachname;E-Mail;Firma;Telefon;Umsatz"]
for number in range(30_000):
    sign = "(at)" if number % 750 == 400 else "@"
    person = number if number < 29_700 else number - 29_700
    lines.append(
        f"{number:06};Jörg {person};Müßig;joerg{person}{sign}example.com;Söhne {number % 500} GmbH;"
        f"0171{number:06};{number // 1000}.{number % 1000:03},50"
    )
file = upload("\r\n".join(lines).encode("cp1252"), "kunden.csv")
found = file["attributes"]
print(f"{found['line_count']:,} lines of {found['encoding']}, separator {found['separator']}")
print(f"decimal sign {found['decimal_sign']}, with confidence {found['guesses']['decimal_sign']['confidence']}")
for column in found["columns"]:
    proposal = column["proposal"]
    print(f"  {column['header']}: {', '.join(proposal['targets']) if proposal else '?'}")

# The proposals, and what only the owner of the file can know.
mapping = found["proposed_mapping"]
mapping["columns"] += [
    {"headers": ["Telefon"], "targets": ["person.custom_fields.phone"], "kind": "text"},
    {"headers": ["Umsatz"], "targets": ["person.custom_fields.revenue"], "kind": "number"},
]
import_ = stage(file, mapping)
print(f"Staged, {import_['attributes']['error_count']} errors")
for code in ("repeated", "not_email"):
    errors = send("GET", f"imports/{import_['id']}/errors", params={"filter[code]": code})
    first = errors["data"][0]["attributes"]
    print(f"  {errors['meta']['total_count']} {code}, the first in line {first['line']}: {first['message']}")
run(import_)

# The error file has the rows that were left out, with all their columns; it can be uploaded again.
response = session.get(f"{api}/imports/{import_['id']}/errors.csv")
response.raise_for_status()
rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))
corrected = [row for row in rows if "already been taken" not in row["import_errors"]]
text = io.StringIO()
writer = csv.DictWriter(text, list(rows[0]), delimiter=";")
writer.writeheader()
writer.writerows({**row, "E-Mail": row["E-Mail"].replace("(at)", "@")} for row in corrected)
print(f"{len(rows)} rows in the error file, {len(corrected)} of them corrected and the others removed")
again = stage(upload(text.getvalue().encode(), "kunden-errors.csv"), mapping)
print(f"Staged, {again['attributes']['error_count']} errors")
run(again)

for each in (again, import_):
    send("PATCH", f"imports/{each['id']}/revert")
left = send("GET", "people", params={"filter[import_id]": import_["id"]})
print(f"Reverted, {left['meta']['total_count']} people left")
