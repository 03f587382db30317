"""The importable type ``company`` (contract, section 2.5)."""

from companies.models import Company
from importsvc.engine.parse.cells import currency, json_object, long_text, tags, text, whole_number
from importsvc.engine.schema.importable import Column, Importable
from importsvc.engine.schema.registry import register

register(
    Importable(
        name="company",
        model=Company,
        columns=(
            Column("name", clean=text, required=True, unique=True, constrained=False),
            Column("default_currency", clean=currency, default=lambda organization: organization.default_currency),
            Column("description", clean=long_text),
            Column("due_days", clean=whole_number),
            Column("tag_list", clean=tags),
            Column("invoice_email_recipients", clean=json_object),
            Column("custom_fields", clean=json_object),
            Column("external_id", clean=text, unique=True, case_sensitive=True),
        ),
        match_key="name",
    )
)
