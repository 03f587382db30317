"""Every reference to an imported record is a conflict when the import is undone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from companies.models import Company
from importsvc.changelog.models import CreatedChunk
from importsvc.engine.revert.conflicts import Conflict
from importsvc.engine.revert.revert import undo
from importsvc.files.models import ImportFile, ImportModel
from importsvc.import_sessions.models import ImportSession
from importsvc.imports.models import Import
from importsvc.imports.services import create_import, run_import
from importsvc.operations.models import Operation
from importsvc.postgres.foreign_keys import ForeignKey, find_foreign_keys
from importsvc.webhooks.models import WebhookEndpoint
from people.models import ApiToken, Person
from people.services import NewOrganization, create_token
from tests.builders import make_import, make_person
from tests.engine.revert.undoing import ROWS, assert_conflicts, assert_undone, execute, referenced
from tests.imports.steps import import_rows

Refer = Callable[[NewOrganization], tuple[str, int | None]]


def ann() -> Person:
    return Person.objects.get(first_name="Ann")


def by_hand(acme: NewOrganization) -> tuple[str, int]:
    return "people", make_person(organization=acme.organization, company=ann().company).pk


def by_another_import(acme: NewOrganization) -> tuple[str, int]:
    import_rows(acme, {"person": [{"first_name": "Zoe", "company": "REDS"}]})
    return "people", Person.objects.get(first_name="Zoe").pk


def by_moving_a_person(acme: NewOrganization) -> tuple[str, int]:
    Person.objects.filter(pk=acme.person.pk).update(company=ann().company)
    return "people", acme.person.pk


@pytest.mark.parametrize("refer", [by_hand, by_another_import, by_moving_a_person])
def test_a_company_of_a_person_from_elsewhere_is_a_conflict(acme: NewOrganization, refer: Refer) -> None:
    import_ = import_rows(acme, ROWS)
    company = Company.objects.get(name="Reds")

    assert_conflicts(import_, referenced(Company, company.pk, 1, refer(acme)))


def test_the_creator_of_an_import_is_a_conflict(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    first, _ = make_import(creator=ann()), make_import(creator=ann())

    assert_conflicts(import_, referenced(Person, ann().pk, 1, ("imports", first.pk)))


def test_a_person_with_a_token_is_a_conflict(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    create_token(person=ann())
    token = ApiToken.objects.get(person=ann())

    assert_conflicts(import_, referenced(Person, ann().pk, 1, ("API tokens", token.pk)))

    token.delete()
    assert_undone(import_)


def test_references_between_records_of_the_import_are_no_conflict(acme: NewOrganization) -> None:
    import_ = import_rows(
        acme, {"company": [{"name": "Reds"}], "person": [{"first_name": "Ann", "company": "reds"}] * 3}
    )

    assert undo(organization_id=import_.organization_id, import_id=import_.pk).removed == {"company": 1, "person": 3}


def test_a_person_whose_id_is_between_those_of_a_chunk_is_a_conflict(acme: NewOrganization) -> None:
    import_ = import_rows(acme, {"company": [{"name": "Reds"}], "person": [{"first_name": "P", "company": "reds"}] * 5})
    first, second, third, *_ = Person.objects.filter(first_name="P").order_by("id")
    # As if another import had written the second one meanwhile.
    chunks = CreatedChunk.objects.filter(import_record=import_, record_type="person")
    chunk = chunks.get()
    values = {name: [*getattr(chunk, name)[:1], *getattr(chunk, name)[2:]] for name in ("record_ids", "rows", "after")}
    chunks.update(record_count=4, **values)
    company = Company.objects.get(name="Reds")

    assert_conflicts(import_, referenced(Company, company.pk, 1, ("people", second.pk)))

    Person.objects.filter(pk=second.pk).update(company=None)
    assert undo(organization_id=import_.organization_id, import_id=import_.pk).removed == {"company": 1, "person": 4}
    assert set(Person.objects.filter(pk__in=[first.pk, second.pk, third.pk])) == {second}


def test_an_import_created_by_a_person_of_its_own_is_a_conflict(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    Person.objects.filter(pk=ann().pk).update(is_user=True)
    import_.creator = ann()
    import_.save(update_fields=["creator"])

    assert_conflicts(
        import_,
        Conflict(Person, ann().pk, 1, fields=("is_user",)),
        referenced(Person, ann().pk, 1, ("imports", import_.pk)),
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("notes", "bigint REFERENCES people_person"),
        ("notes", "bigint REFERENCES people_person DEFERRABLE INITIALLY DEFERRED"),
        ("notes", "bigint REFERENCES people_person ON DELETE CASCADE"),
        ("notes", "bigint REFERENCES people_person ON DELETE SET NULL"),
        ('"Odd notes"', "bigint REFERENCES people_person"),
        ("elsewhere.people_person", "bigint REFERENCES public.people_person"),
    ],
)
@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_a_reference_from_a_table_unknown_to_django_is_a_conflict(
    acme: NewOrganization, table: str, column: str
) -> None:
    import_ = import_rows(acme, ROWS)
    execute("CREATE SCHEMA elsewhere")
    execute(f"CREATE TABLE {table} (person {column})")
    execute(f"INSERT INTO {table} VALUES (%s), (%s), (NULL)", ann().pk, acme.person.pk)

    conflicts = undo(organization_id=import_.organization_id, import_id=import_.pk).conflicts
    assert conflicts == [referenced(Person, ann().pk, 1, (table, None))]
    assert_conflicts(import_, *conflicts)

    execute(f"DELETE FROM {table} WHERE person = %s", ann().pk)
    assert_undone(import_)


@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_a_key_of_several_columns_refers_only_where_all_of_them_match(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    execute(
        "CREATE TABLE notes (organization bigint, person bigint,"
        " FOREIGN KEY (organization, person) REFERENCES people_person (organization_id, id))"
    )
    execute("INSERT INTO notes VALUES (%s, %s), (NULL, %s)", acme.organization.pk, acme.person.pk, ann().pk)

    assert_undone(import_)


@pytest.mark.one_server("a table that is not distributed cannot refer to one that is")
def test_references_from_partitions_are_one_conflict(acme: NewOrganization) -> None:
    import_ = import_rows(acme, ROWS)
    execute("CREATE TABLE notes (person bigint REFERENCES people_person) PARTITION BY HASH (person)")
    execute("CREATE TABLE notes_0 PARTITION OF notes FOR VALUES WITH (MODULUS 1, REMAINDER 0)")
    execute("INSERT INTO notes VALUES (%s)", ann().pk)

    assert_conflicts(import_, referenced(Person, ann().pk, 1, ("notes", None)))


def test_each_foreign_key_of_the_projects_tables_is_found_once(db: None) -> None:
    assert find_foreign_keys(Company) == [
        ForeignKey("people_person", (("organization_id", "organization_id"), ("company_id", "id")), Person)
    ]
    assert find_foreign_keys(Person) == [
        ForeignKey("files_importfile", (("organization_id", "organization_id"), ("creator_id", "id")), ImportFile),
        ForeignKey("files_importmodel", (("organization_id", "organization_id"), ("creator_id", "id")), ImportModel),
        *(
            ForeignKey(
                "import_sessions_importsession",
                (("organization_id", "organization_id"), (f"{name}_id", "id")),
                ImportSession,
            )
            for name in ("creator", "person")
        ),
        ForeignKey("imports_import", (("organization_id", "organization_id"), ("creator_id", "id")), Import),
        ForeignKey("operations_operation", (("organization_id", "organization_id"), ("creator_id", "id")), Operation),
        ForeignKey("people_apitoken", (("organization_id", "organization_id"), ("person_id", "id")), ApiToken),
        ForeignKey(
            "webhooks_webhookendpoint",
            (("organization_id", "organization_id"), ("creator_id", "id")),
            WebhookEndpoint,
        ),
    ]


def test_a_reference_from_a_table_with_fewer_rows_than_records_is_found_like_any_other(acme: NewOrganization) -> None:
    import_ = create_import(
        organization=acme.organization,
        creator=acme.person,
        import_data={"person": [{"first_name": f"P{number}"} for number in range(20)]},
    )
    run_import(organization=acme.organization, import_id=import_.pk)
    other = make_import(creator=Person.objects.get(first_name="P7"))
    execute("ANALYZE imports_import")

    (conflict,) = undo(organization_id=import_.organization_id, import_id=import_.pk).conflicts

    assert conflict == referenced(Person, other.creator_id, 8, ("imports", other.pk))
