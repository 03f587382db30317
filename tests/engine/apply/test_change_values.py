"""The values of updates in the change log are written into the records, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from companies.models import Company
from importsvc.changelog.models import SingleChange
from importsvc.engine.apply.change_values import Side, apply_change_values
from importsvc.engine.schema import registry
from importsvc.imports.models import Import
from importsvc.postgres.plan_cache import force_generic_plans
from people.models import Person
from people.services import NewOrganization
from tests.builders import make_company, make_import, make_person


@pytest.fixture
def import_(acme: NewOrganization) -> Import:
    """An import without changes."""
    return make_import(creator=acme.person)


def log_change(
    import_: Import, record: Any, before: dict[str, Any], after: dict[str, Any], **fields: Any
) -> SingleChange:
    return SingleChange.objects.create(
        organization_id=import_.organization_id,
        import_record=import_,
        record_type="person" if isinstance(record, Person) else "company",
        record_id=record.pk,
        row=1,
        action="updated",
        before=before,
        after=after,
        **fields,
    )


def write(import_: Import, name: str, side: Side) -> int:
    force_generic_plans()
    return apply_change_values(
        registry.get(name), organization_id=import_.organization_id, import_id=import_.pk, side=side
    )


def values_of(record: Any) -> dict[str, Any]:
    return dict(type(record)._default_manager.filter(pk=record.pk).values().get())


def test_each_record_gets_the_columns_of_its_change(acme: NewOrganization, import_: Import) -> None:
    reds = make_company(organization=acme.organization, name="Reds")
    ann = make_person(organization=acme.organization, first_name="Ann", title="Dr", tag_list=["a"])
    bob = make_person(organization=acme.organization, first_name="Bob", title="Dr", custom_fields={"a": 1})
    log_change(
        import_,
        ann,
        {"title": "Dr", "tag_list": ["a"], "company_id": None},
        {"title": None, "tag_list": ["b", "c"], "company_id": reds.pk},
    )
    log_change(import_, bob, {"custom_fields": {"a": 1}}, {"custom_fields": {"a": [2.50, None]}})
    before = values_of(ann), values_of(bob), values_of(reds)

    assert write(import_, "person", "after") == 2
    assert values_of(ann) == {**before[0], "title": None, "tag_list": ["b", "c"], "company_id": reds.pk}
    assert values_of(bob) == {**before[1], "custom_fields": {"a": [2.5, None]}}

    assert write(import_, "person", "before") == 2
    assert (values_of(ann), values_of(bob), values_of(reds)) == before


def test_kept_columns_are_not_written(acme: NewOrganization, import_: Import) -> None:
    ann = make_person(organization=acme.organization, first_name="Ann", title="Prof", last_name="New")
    bob = make_person(organization=acme.organization, first_name="Bob", title="Prof")
    log_change(
        import_, ann, {"title": "Dr", "last_name": "Old"}, {"title": "Dipl", "last_name": "New"}, kept_fields=["title"]
    )
    log_change(import_, bob, {"title": "Dr"}, {"title": "Dipl"}, kept_fields=["title"])

    assert write(import_, "person", "before") == 1
    assert (values_of(ann)["title"], values_of(ann)["last_name"]) == ("Prof", "Old")
    assert values_of(bob)["title"] == "Prof"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("custom_fields", '{"a": 12345678901234567890.123456789012345678901234567890, "b": 1.50}'),
        ("custom_fields", '"text"'),
        ("description", '"\\"quoted\\" \\\\N\\n"'),
        ("tag_list", '["a,b", "{", "", "NULL"]'),
        ("created_at", '"2024-02-29T23:59:59.123456+00:00"'),
        ("due_days", "2147483647"),
        ("due_days", "null"),
    ],
)
def test_values_are_converted_to_the_types_of_the_tables_columns(
    acme: NewOrganization, import_: Import, column: str, value: str
) -> None:
    reds = make_company(organization=acme.organization, name="Reds")
    change = log_change(import_, reds, {}, {})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE changelog_change SET after = jsonb_build_object(%s, %s::jsonb) WHERE id = %s",
            [column, value, change.pk],
        )
        assert write(import_, "company", "after") == 1
        cursor.execute(
            f"SELECT to_jsonb({column})::text, %s::jsonb::text FROM companies_company WHERE id = %s",
            [value, reds.pk],
        )
        written, expected = cursor.fetchone()
    assert (written or "null") == expected


def test_values_without_a_column_in_the_table_are_left_out(acme: NewOrganization, import_: Import) -> None:
    ann = make_person(organization=acme.organization, first_name="Ann", title="Dr")
    bob = make_person(organization=acme.organization, first_name="Bob")
    log_change(import_, ann, {"title": "Prof", "fax": "1"}, {"title": "Dr", "fax": "2"})
    log_change(import_, bob, {"fax": "1"}, {"fax": "2"})

    assert write(import_, "person", "before") == 1
    assert values_of(ann)["title"] == "Prof"


def test_missing_records_and_records_of_other_imports_are_skipped(acme: NewOrganization, import_: Import) -> None:
    people = [make_person(organization=acme.organization, title="Dr") for _ in range(3)]
    gone, created, other = people
    log_change(import_, gone, {"title": "Prof"}, {"title": "Dr"})
    log_change(import_, created, {"title": "Prof"}, {"title": "Dr"})
    SingleChange.objects.filter(record_id=created.pk).update(action="created")
    log_change(make_import(creator=acme.person), other, {"title": "Prof"}, {"title": "Dr"})
    gone.delete()

    assert write(import_, "person", "before") == 0
    assert not Person.objects.filter(title="Prof").exists()


def test_an_import_that_updated_nothing_writes_nothing(acme: NewOrganization, import_: Import) -> None:
    assert write(import_, "company", "before") == 0
    assert Company.objects.count() == 1


@pytest.mark.one_server("triggers are refused on distributed tables")
def test_columns_that_no_change_has_are_not_written(acme: NewOrganization, import_: Import) -> None:
    ann = make_person(organization=acme.organization, first_name="Ann", title="Dr")
    log_change(import_, ann, {"title": "Prof"}, {"title": "Dr"})
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'touched'; END $$;"
            " CREATE TRIGGER untouched BEFORE UPDATE OF company_id, email ON people_person"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

    assert write(import_, "person", "before") == 1
