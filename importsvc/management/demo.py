"""The demo organization, and lines for a shell that try the API with it."""

from __future__ import annotations

from organizations.models import Organization
from people.models import Person
from people.services import create_organization

EMAIL = "demo@example.com"

EXAMPLES = """\
To try it, paste these lines into another terminal, one block after the other:

  API={api} ORGANIZATION={organization_id} TOKEN={token}
  api() {{ curl -sS "$@" -H "X-Auth-Token: $TOKEN" -H "X-Organization-Id: $ORGANIZATION" \\
    -H 'Content-Type: application/vnd.api+json'; echo; }}

  # 1. Create an import. The response is shown, and its id kept in IMPORT.
  IMPORT=$(api $API/imports -d '{{"data": {{"type": "imports", "attributes": {{"import_data": {{
    "company": [{{"name": "Import"}}],
    "person": [{{"Company": "Import", "First Name": "John", "Last Name": "Doe",
                "Email": "john@mail.com", "Title": "Contact"}}]}}}}}}}}' |
    tee /dev/stderr | sed -n 's/^{{"data":{{[^{{]*"id":"\\([0-9]*\\)".*/\\1/p')

  # 2. Import it. From now on the company and the person are there.
  api $API/imports/$IMPORT/import -X POST

  # 3. List the people.
  api $API/people

  # 4. Revert it. The company and the person are gone.
  api $API/imports/$IMPORT/revert -X PATCH
"""

ANOTHER = """\
The token of the demo organization was printed by the first start, and only a hash of it is stored. For another one:

  .venv/bin/python manage.py create_token --organization {organization_id} --email {email}
"""

OTHERS = """\
The database has organizations. To create a token for a person:

  .venv/bin/python manage.py create_token --organization ID --email EMAIL
"""

NONE = """\
The database has no organization. To create the first one, with a token:

  .venv/bin/python manage.py create_organization NAME --email EMAIL
"""


def prepare_demo(*, api: str, is_wanted: bool) -> str:
    """Text for the user who starts the service: how to call the API at the address ``api``.

    In a database without organizations, and if ``is_wanted``, a demo organization is created. Its token is in the text,
    and nowhere else.
    """
    if not Organization.objects.exists():
        if not is_wanted:
            return NONE
        made = create_organization(name="Demo", email=EMAIL, first_name="Demo", last_name="User")
        return EXAMPLES.format(api=api, organization_id=made.organization.pk, token=made.token)
    if not is_wanted:
        return ""
    # The only statement that looks for a person in all organizations.
    person = Person.objects.filter(email=EMAIL, organization__name="Demo").order_by("id").first()
    return ANOTHER.format(organization_id=person.organization_id, email=EMAIL) if person else OTHERS
