"""The importable type ``person`` (contract, section 2.5). By the model's defaults, imported people are contacts."""

from importsvc.engine.parse.cells import email, json_object, tags, text
from importsvc.engine.schema.importable import Column, Importable, Reference
from importsvc.engine.schema.registry import register
from people.models import Person

register(
    Importable(
        name="person",
        model=Person,
        columns=(
            Column("first_name", clean=text, required=True),
            Column("last_name", clean=text),
            Column("email", clean=email, unique=True),
            Column("title", clean=text),
            Column("tag_list", clean=tags),
            Column("custom_fields", clean=json_object),
            Column("external_id", clean=text, unique=True, case_sensitive=True),
        ),
        references=(Reference("company", to="company", by="name"),),
        match_key="email",
        ignored_fields=("last_seen_at",),
    )
)
