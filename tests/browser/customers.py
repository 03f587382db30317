"""Data for the pages: a month of imports, and one whose customer is unhappy with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from importsvc.imports.models import Import
from people.models import Person
from people.services import NewOrganization, create_organization
from tests.builders import make_company, make_person
from tests.imports.steps import import_rows

ORGANIZATIONS = [
    ("Harbour & Pine", "Marta", "Novak", "marta.novak@harbourpine.example"),
    ("Lindqvist Architects", "Elin", "Lindqvist", "elin@lindqvist.example"),
    ("Tidewater Energy", "Samuel", "Okafor", "s.okafor@tidewater.example"),
    ("Blue Heron Logistics", "Grace", "Whitfield", "grace.whitfield@blueheron.example"),
    ("Castellan Insurance", "Joaquín", "Herrera", "j.herrera@castellan.example"),
    ("Kestrel Robotics", "Yuki", "Tanaka", "yuki.tanaka@kestrel.example"),
]
# The customer's list has an older title of Irena than the record.
ROWS = {
    "company": [{"Name": "Adriatic Tiles"}, {"Name": "Brightwater Hotels"}],
    "person": [
        {
            "First Name": "Irena",
            "Last Name": "Horvat",
            "Email": "irena@adriatictiles.example",
            "Title": "Head of Purchasing",
            "Company": "Adriatic Tiles",
        },
        {
            "First Name": "Oliver",
            "Last Name": "Grant",
            "Email": "oliver@brightwater.example",
            "Title": "Facility Manager",
            "Company": "Brightwater Hotels",
        },
        {
            "First Name": "Priya",
            "Last Name": "Raman",
            "Email": "priya@brightwater.example",
            "Title": "Hotel Director",
            "Company": "Brightwater Hotels",
        },
    ],
}


def make_customers() -> list[NewOrganization]:
    """Organizations, each with the person that creates its imports."""
    return [
        create_organization(name=name, first_name=first_name, last_name=last_name, email=email)
        for name, first_name, last_name, email in ORGANIZATIONS
    ]


def make_month(customers: list[NewOrganization]) -> None:
    """The same imports on each of the last 30 days, without the records that they would have written."""
    random = Random(5)  # noqa: S311 - nothing is secret
    now = timezone.now()
    days = [now - timedelta(days=day) for day in range(30) for _ in range(random.randint(2, 7))]
    imports = [_make_import(random.choice(customers).person, day, random) for day in days]
    Import.objects.bulk_create(sorted(imports, key=lambda import_: import_.created_at))


def make_unhappy(customer: NewOrganization) -> tuple[Import, Person]:
    """An import that updates one person and creates two, with their companies; and the updated person."""
    company = make_company(organization=customer.organization, name="Adriatic Ceramics")
    irena = make_person(
        organization=customer.organization,
        first_name="Irena",
        last_name="Horvat-Babić",
        email="irena@adriatictiles.example",
        title="Buyer",
        company=company,
    )
    return import_rows(customer, ROWS, on_duplicate="update"), irena


def _make_import(creator: Person, day: datetime, random: Random) -> Import:
    """An import of a day in one of the states: most are run, some are reverted or not run."""
    created_at = day - timedelta(seconds=random.randint(600, 20_000))
    started_at = created_at + timedelta(seconds=random.randint(5, 60))
    people = random.randint(40, 900)
    import_ = Import(
        organization=creator.organization,
        creator=creator,
        sample=False,
        created_at=created_at,
    )
    if random.random() < 0.07:
        return import_
    import_.started_at = started_at
    import_.processed_at = started_at + timedelta(seconds=people / random.randint(90, 150))
    import_.counts = {
        "company": {"created": people // 12, "updated": 0, "unchanged": 0, "skipped": 0},
        "person": {"created": people - people // 5, "updated": people // 5, "unchanged": 0, "skipped": 0},
    }
    if random.random() < 0.15:
        import_.reverted_at = import_.processed_at + timedelta(minutes=5)
    return import_
