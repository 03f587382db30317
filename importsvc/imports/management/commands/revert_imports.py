"""``manage.py revert_imports``: imports undone by operators, of whatever organization."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from importsvc.errors import DomainError
from importsvc.imports.descriptions import describe_conflicts, describe_counts, describe_refusal
from importsvc.imports.services import find_import, revert_import


class Command(BaseCommand):
    """Prints a line for each import, in the order given; exits with 1 if any was refused, 2 on bad usage."""

    help = (
        "Undo imports: remove the records that each of them created, unless one was changed or referred to since."
        " Each import is undone as a whole or not at all, in a transaction of its own; one that is refused does not"
        " keep the others from being undone. Where one import's records refer to another's, name the newer one first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Which imports, and whether for real."""
        parser.add_argument("import_ids", nargs="+", type=_positive, metavar="ID", help="id of an import")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be removed or refused")

    def handle(self, *, import_ids: list[int], dry_run: bool, **_: Any) -> None:
        """Revert one after the other.

        Raises:
            CommandError: any was refused; what became of each is on the standard output.
        """
        refused = [import_id for import_id in import_ids if not self._revert(import_id, dry_run)]
        if refused:
            raise CommandError(f"{len(refused)} of {len(import_ids)} refused")

    def _revert(self, import_id: int, dry_run: bool) -> bool:
        try:
            organization = find_import(import_id=import_id).organization
            revert = revert_import(organization=organization, import_id=import_id, dry_run=dry_run)
        except DomainError as error:
            lines = [f"Import {import_id}: refused: {describe_refusal(error)}"]
            lines += [f"  {line}" for line in describe_conflicts(error)]
            self.stdout.write("\n".join(lines))
            return False
        verb = "would remove" if dry_run else "removed"
        self.stdout.write(f"Import {import_id}: {verb} {describe_counts(revert.removed)}")
        return True


def _positive(written: str) -> int:
    if not (written.isascii() and written.isdecimal() and len(written) < 20 and int(written)):
        raise ArgumentTypeError(f"{written!r} is not the id of an import, which is a positive whole number")
    return int(written)
