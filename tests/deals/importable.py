"""The declaration of a deal's row: everything needed to make deals importable."""

from importsvc.engine.parse.cells import date, money, phone, text
from importsvc.engine.schema.importable import Column, Importable, Reference
from importsvc.engine.schema.registry import register
from tests.deals.models import Deal

register(
    Importable(
        name="deal",
        model=Deal,
        columns=(
            Column("name", clean=text, required=True),
            Column("value", clean=money),
            Column("phone", clean=phone("DE")),
            Column("closes_on", clean=date("dmy")),
        ),
        references=(Reference("company", to="company", by="name"), Reference("contact", to="person", by="email")),
    )
)
