"""Lists and details over HTTP, against the same document built by hand and against djangorestframework-jsonapi."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from django.utils import timezone

from benchmarks.rows import make_body, make_rows
from benchmarks.service import Caller, Client
from benchmarks.tables import Figure, Row, Section, compare_difference, compare_ratio, compare_speed, milliseconds
from companies.models import Company
from importsvc.imports.models import Import
from organizations.models import Organization
from people.models import Person
from people.services import create_organization

RECORDS = 200
SMALL_ROWS = {"company": [{"name": "Import"}], "person": [{"Company": "Import", "First Name": "John"}]}

# What is asked for, and how many times the hand-built document it may take.
PAGE_OF_30 = "page%5Bnumber%5D=1&page%5Bsize%5D=30"
PAGE_OF_200 = "page%5Bnumber%5D=1&page%5Bsize%5D=200"
CASES = (
    ("30 imports, their creators and companies", f"imports?{PAGE_OF_30}", 1.5),
    ("200 imports, 200 creators, 200 companies", f"imports?{PAGE_OF_200}", 2.5),
    ("one import", "imports/{import_id}", 1.5),
    ("30 people", f"people?{PAGE_OF_30}", 1.5),
    ("30 people and their companies", f"people?include=company&{PAGE_OF_30}", 1.5),
    ("200 people and their companies", f"people?include=company&{PAGE_OF_200}", 2.5),
    ("30 companies", f"companies?{PAGE_OF_30}", 1.5),
)
FASTER_THAN_STOCK = 15

SERVICE, HAND_BUILT, STOCK = "/api/v2/", "/baselines/hand-built/", "/baselines/stock/"


def measure_serving(port: int, rounds: int) -> Section:
    """The table of lists and details, of an organization of its own with 200 imports by 200 people of 200 companies."""
    caller, import_id = _make_organization()
    client = Client(port, caller)
    section = Section("Serving")
    section.notes.append(
        f"One worker with one thread, asked over one kept connection; medians of {rounds} rounds, each of which asks"
        " for the service's document, the hand-built one and stock djangorestframework-jsonapi's, one after the other."
        " That the first two are the same JSON is checked."
    )
    samples = [client.time("GET", "/baselines/empty")[0] for _ in range(rounds)]
    section.rows.append(Row("an empty view", milliseconds(samples)))
    for what, path, at_most in CASES:
        written = path.format(import_id=import_id)
        _check_same(client, written)
        medians = _measure_case(client, written, rounds)
        section.rows += [
            Row(f"{what}: stock", medians[STOCK]),
            compare_speed(f"{what}: hand-built", medians[HAND_BUILT], medians[STOCK], "stock"),
            compare_ratio(what, medians[SERVICE], medians[HAND_BUILT], "hand-built", at_most=at_most),
            compare_speed(what, medians[SERVICE], medians[STOCK], "stock", at_least=FASTER_THAN_STOCK),
        ]
    client.close()
    return section


def measure_small(port: int, caller: Caller, rounds: int) -> Section:
    """The table of an import of ten rows, against a view that does nothing in a transaction."""
    client = Client(port, caller)
    samples: defaultdict[str, list[float]] = defaultdict(list)
    warm_up = 2
    for number in range(rounds + warm_up):
        rows = make_rows(9, prefix=f"Small {number} ".replace(" ", "-"))
        import_id = client.send("POST", "/api/v2/imports", make_body(SMALL_ROWS), status=201)["data"]["id"]
        body = make_body(rows)
        samples["empty"].append(client.time("POST", "/baselines/transaction", body)[0])
        samples["import"].append(client.time("POST", f"/api/v2/imports/{import_id}/import", body)[0])
        samples["revert"].append(client.time("PATCH", f"/api/v2/imports/{import_id}/revert")[0])
    client.close()
    empty, imported, reverted = (milliseconds(samples[name][warm_up:]) for name in ("empty", "import", "revert"))
    section = Section("Import of 10 rows")
    section.notes = [f"Nine people and a company; medians of {rounds} rounds, one request after the other."]
    section.rows = [
        Row("an empty view in a transaction", empty),
        compare_difference("import", imported, empty, "that", at_most=15),
        Row("revert", reverted),
    ]
    return section


def _make_organization() -> tuple[Caller, int]:
    made = create_organization(name="Serving", email="serving@example.com", time_zone="Europe/Zagreb")
    organization = made.organization
    companies = Company.objects.bulk_create(
        Company(organization=organization, name=f"Serving {number}") for number in range(RECORDS)
    )
    people = Person.objects.bulk_create(
        Person(organization=organization, company=company, first_name="Ada", email=f"ada{number}@serving.example")
        for number, company in enumerate(companies)
    )
    imports = Import.objects.bulk_create(_make_import(organization, person) for person in people)
    return Caller(organization.pk, made.token), imports[0].pk


def _make_import(organization: Organization, creator: Person) -> Import:
    now = timezone.now()
    return Import(
        organization=organization,
        creator=creator,
        sample=False,
        started_at=now,
        processed_at=now,
    )


def _measure_case(client: Client, path: str, rounds: int) -> dict[str, Figure]:
    samples: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for prefix in (SERVICE, HAND_BUILT, STOCK):
            samples[prefix].append(client.time("GET", prefix + path)[0])
    return {prefix: milliseconds(taken) for prefix, taken in samples.items()}


def _check_same(client: Client, path: str) -> None:
    """Refuse to compare documents that are not the same, but for the folder of their links."""
    # Once a minute the first of them writes that its caller was there.
    client.send("GET", SERVICE + path)
    product, hand_built = (_read(client, prefix, path) for prefix in (SERVICE, HAND_BUILT))
    if product != hand_built:
        different = [name for name in {**product, **hand_built} if product.get(name) != hand_built.get(name)]
        raise SystemExit(f"The hand-built document of {path} is not the service's in {', '.join(different)}")
    shown = len(json.loads(client.time("GET", STOCK + path)[1])["data"])
    if shown != len(product["data"]) and isinstance(product["data"], list):
        raise SystemExit(f"The stock document of {path} shows {shown} resources")


def _read(client: Client, prefix: str, path: str) -> Any:
    content = client.time("GET", prefix + path)[1].decode()
    return json.loads(content.replace(prefix, "/"))
