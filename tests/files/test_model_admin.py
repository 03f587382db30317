"""The pages of saved mappings: the members of the document as JSON, with the problems of a mapping as errors."""

from __future__ import annotations

import json

from django.test import Client

from importsvc.files.models import ImportModel
from people.services import NewOrganization
from tests.admin_pages import log_in_staff, messages_of, read, save, url_of

COLUMNS = [{"headers": ["E-Mail"], "targets": ["person.email"]}]


def make(acme: NewOrganization) -> ImportModel:
    return ImportModel.objects.create(organization=acme.organization, name="Customers", columns=COLUMNS)


def test_the_page_shows_the_members_and_saves_those_that_were_edited(
    acme: NewOrganization, admin_client: Client
) -> None:
    model = make(acme)
    assert "person.email" in read(admin_client, url_of(model))

    errors = save(admin_client, model, name="Clients", ignored=json.dumps(["Notes"]))

    model.refresh_from_db()
    assert errors == {}
    assert (model.name, model.ignored, model.columns) == ("Clients", ["Notes"], COLUMNS)


def test_a_problem_of_the_mapping_is_an_error_of_its_field(acme: NewOrganization, admin_client: Client) -> None:
    model = make(acme)
    wrong = json.dumps([{"headers": ["E-Mail"], "targets": ["person.shoe_size"]}])

    errors = save(admin_client, model, columns=wrong)

    model.refresh_from_db()
    assert list(errors) == ["columns"]
    assert "person.shoe_size" in str(errors["columns"])
    assert model.columns == COLUMNS
    assert list(save(admin_client, model, columns="{}")) == ["columns"]


def test_a_model_is_added_and_deleted(acme: NewOrganization, admin_client: Client) -> None:
    added = save(
        admin_client,
        ImportModel,
        organization=str(acme.organization.pk),
        name="Customers",
        columns=json.dumps(COLUMNS),
        on_duplicate="skip",
        missing_companies="create",
    )

    model = ImportModel.objects.get()
    assert added == {}
    assert (model.columns, model.on_duplicate, model.formats["date_order"]) == (COLUMNS, "skip", None)
    admin_client.post(url_of(model, "delete"), {"post": "yes"})
    assert not ImportModel.objects.exists()


def test_a_name_that_is_taken_is_an_error(acme: NewOrganization, admin_client: Client) -> None:
    make(acme)
    other = ImportModel.objects.create(organization=acme.organization, name="Others")

    errors = save(admin_client, other, name="CUSTOMERS")

    assert "already been taken" in str(errors)


def test_the_page_offers_templates(acme: NewOrganization, admin_client: Client) -> None:
    model = make(acme)
    page = read(admin_client, url_of(model))

    for format_, start in (("csv", b"\xef\xbb\xbfE-Mail\r\n"), ("xlsx", b"PK")):
        url = f"/admin/files/importmodel/{model.pk}/template.{format_}"
        response = admin_client.get(url)
        assert f'href="{url}"' in page
        assert response.content.startswith(start)
        assert response.headers["Content-Disposition"] == f'attachment; filename="Customers.{format_}"'
    assert "template." not in read(admin_client, url_of(ImportModel, "add"))
    assert admin_client.get("/admin/files/importmodel/999/template.csv").status_code == 404


def test_a_template_of_a_target_that_is_gone_is_refused_with_a_message(
    acme: NewOrganization, admin_client: Client
) -> None:
    gone = [{"headers": ["A"], "targets": ["deal.name"]}]
    model = ImportModel.objects.create(organization=acme.organization, name="Deals", columns=gone)

    response = admin_client.get(f"/admin/files/importmodel/{model.pk}/template.csv", follow=True)

    assert messages_of(response) == ["'deal.name' is not a target"]


def test_a_template_needs_the_permission_to_view_the_model(acme: NewOrganization) -> None:
    path = f"/admin/files/importmodel/{make(acme).pk}/template.csv"

    assert log_in_staff(codename="view_importfile").get(path).status_code == 403
    assert Client().get(path).status_code == 302


def test_a_user_who_may_view_models_gets_templates(acme: NewOrganization) -> None:
    path = f"/admin/files/importmodel/{make(acme).pk}/template.csv"

    assert log_in_staff(codename="view_importmodel").get(path).status_code == 200
