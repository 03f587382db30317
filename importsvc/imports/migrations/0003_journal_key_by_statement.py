"""A journal entry belongs to an import that exists, checked once for a statement and not once for each row.

A foreign key asks for the same import 100,000 times while 100,000 entries are copied, which takes half as long again as
copying them. These triggers promise what it promised: entries of imports that do not exist are refused, and so is the
removal of an import that has entries; whoever writes entries keeps the import from being removed meanwhile.
"""

import django.db.models.deletion
from django.db import migrations, models

KEY = """
CREATE FUNCTION imports_change_check_import() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing bigint;
BEGIN
    PERFORM FROM imports_import WHERE id IN (SELECT DISTINCT import_id FROM added) ORDER BY id FOR KEY SHARE;
    SELECT import_id INTO missing FROM (SELECT DISTINCT import_id FROM added) AS named
    WHERE NOT EXISTS (SELECT FROM imports_import WHERE id = import_id) LIMIT 1;
    IF FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('Journal entries of import %s, which does not exist', missing),
            TABLE = 'imports_change', CONSTRAINT = 'change_of_import';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER change_of_import AFTER INSERT ON imports_change
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION imports_change_check_import();

CREATE FUNCTION imports_import_keep_journaled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM imports_change WHERE import_id = OLD.id) THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('Import %s has journal entries', OLD.id),
            TABLE = 'imports_change', CONSTRAINT = 'change_of_import';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER import_is_journaled AFTER DELETE ON imports_import
    FOR EACH ROW EXECUTE FUNCTION imports_import_keep_journaled();
CREATE TRIGGER import_id_is_journaled AFTER UPDATE OF id ON imports_import
    FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION imports_import_keep_journaled();

CREATE FUNCTION imports_import_keep_all_journaled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM imports_change) THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'Imports have journal entries', TABLE = 'imports_change', CONSTRAINT = 'change_of_import';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER imports_are_journaled AFTER TRUNCATE ON imports_import
    FOR EACH STATEMENT EXECUTE FUNCTION imports_import_keep_all_journaled();
"""

NO_KEY = """
DROP TRIGGER imports_are_journaled ON imports_import;
DROP TRIGGER import_id_is_journaled ON imports_import;
DROP TRIGGER import_is_journaled ON imports_import;
DROP TRIGGER change_of_import ON imports_change;
DROP FUNCTION imports_import_keep_all_journaled();
DROP FUNCTION imports_import_keep_journaled();
DROP FUNCTION imports_change_check_import();
"""

STAYS = """
CREATE FUNCTION imports_change_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING
        MESSAGE = 'A journal entry stays with its import', TABLE = 'imports_change', CONSTRAINT = 'change_of_import';
END $$;
CREATE TRIGGER change_stays_with_import BEFORE UPDATE OF import_id ON imports_change
    FOR EACH ROW WHEN (OLD.import_id IS DISTINCT FROM NEW.import_id) EXECUTE FUNCTION imports_change_refuse_move();
"""

MOVES = """
DROP TRIGGER change_stays_with_import ON imports_change;
DROP FUNCTION imports_change_refuse_move();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0002_creator_of_same_organization"),
    ]

    operations = [
        # Last in either direction: no entry is unguarded for a moment.
        migrations.RunSQL(sql=KEY + STAYS, reverse_sql=migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="change",
            name="import_record",
            field=models.ForeignKey(
                db_column="import_id",
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="changes",
                to="imports.import",
            ),
        ),
        migrations.RunSQL(sql=migrations.RunSQL.noop, reverse_sql=MOVES + NO_KEY),
    ]
