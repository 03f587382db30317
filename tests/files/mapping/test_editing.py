"""A mapping document is changed by what a caller says of single headers."""

from __future__ import annotations

from importsvc.files.mapping.document import write_mapping
from importsvc.files.mapping.editing import HeaderTarget, choose_targets, edit_mapping, find_chosen
from importsvc.files.mapping.parsing import read_mapping
from importsvc.files.reading.detection import DetectedColumn

DOCUMENT = write_mapping(
    read_mapping(
        {
            "columns": [
                {
                    "headers": ["Name"],
                    "targets": ["person.first_name", "person.last_name"],
                    "steps": [{"step": "split", "at": "last_space"}],
                },
                {"headers": ["E-Mail"], "targets": ["person.email"]},
            ],
            "ignored": ["Notes", "Size"],
        }
    )
)


def test_nothing_said_changes_nothing() -> None:
    assert edit_mapping(DOCUMENT, on_duplicate=None) == DOCUMENT


def test_a_header_fills_its_new_target_only() -> None:
    edited = edit_mapping(DOCUMENT, targets=[HeaderTarget("e_mail", "person.title")])
    assert edited["columns"] == [DOCUMENT["columns"][0], {"headers": ["e_mail"], "targets": ["person.title"]}]


def test_a_target_is_taken_from_the_column_that_filled_it() -> None:
    edited = edit_mapping(DOCUMENT, targets=[HeaderTarget("First", "person.first_name")])
    assert edited["columns"] == [DOCUMENT["columns"][1], {"headers": ["First"], "targets": ["person.first_name"]}]


def test_a_header_that_was_ignored_is_mapped_and_the_other_way_round() -> None:
    target = HeaderTarget("size", "person.custom_fields.size", "number")
    edited = edit_mapping(DOCUMENT, targets=[target], ignored=["name"], on_duplicate="update")
    assert edited == {
        **DOCUMENT,
        "columns": [
            DOCUMENT["columns"][1],
            {"headers": ["size"], "targets": ["person.custom_fields.size"], "kind": "number"},
        ],
        "ignored": ["Notes", "name"],
        "on_duplicate": "update",
    }


COLUMNS = [
    DetectedColumn(number, header, samples, 1.0, kind)
    for number, (header, samples, kind) in enumerate(
        [
            ("Name", ["Ada Lovelace"], "text"),
            ("e_mail", ["ada@example.com"], "email"),
            ("Tags", ["red; blue"], "text"),
            ("Size", ["41"], "integer"),
        ],
        start=1,
    )
]


def test_what_is_chosen_as_it_was_keeps_its_steps() -> None:
    chosen = find_chosen(DOCUMENT, [column.header for column in COLUMNS])

    assert chosen == {
        "Name": ["person.first_name", "person.last_name"],
        "e_mail": ["person.email"],
        "Tags": None,
        "Size": [],
    }
    # The file has no column of notes.
    assert choose_targets(DOCUMENT, columns=COLUMNS, chosen=chosen) == {**DOCUMENT, "ignored": ["Notes", "Size"]}


def test_what_is_chosen_anew_gets_the_steps_that_its_values_need() -> None:
    chosen = {
        "Name": [],
        "e_mail": ["person.first_name", "person.last_name"],
        "Tags": ["person.tag_list"],
        "Size": ["person.custom_fields.Size"],
    }

    made = choose_targets(DOCUMENT, columns=COLUMNS, chosen=chosen)

    assert made["columns"] == [
        {
            "headers": ["e_mail"],
            "targets": ["person.first_name", "person.last_name"],
            "steps": [{"step": "split", "at": "last_space"}],
        },
        {"headers": ["Tags"], "targets": ["person.tag_list"], "steps": [{"step": "separate", "by": ";"}]},
        {"headers": ["Size"], "targets": ["person.custom_fields.Size"], "kind": "number"},
    ]
    assert made["ignored"] == ["Notes", "Name"]


def test_columns_of_the_same_target_are_joined_if_that_is_wanted() -> None:
    chosen = {"Name": ["person.title"], "e_mail": ["person.email"], "Tags": ["person.title"], "Size": None}

    joined = choose_targets(DOCUMENT, columns=COLUMNS, chosen=chosen, joins=True)

    assert joined["columns"] == [
        DOCUMENT["columns"][1],
        {"headers": ["Name", "Tags"], "targets": ["person.title"], "steps": [{"step": "join", "separator": " "}]},
    ]
    assert len(choose_targets(DOCUMENT, columns=COLUMNS, chosen=chosen)["columns"]) == 3
    # They stay joined, unless one of them is chosen otherwise.
    again = choose_targets(joined, columns=COLUMNS, chosen=find_chosen(joined, [column.header for column in COLUMNS]))
    assert again["columns"] == joined["columns"]
    parted = choose_targets(joined, columns=COLUMNS, chosen={**chosen, "Tags": []})
    assert parted["columns"][1] == {"headers": ["Name"], "targets": ["person.title"]}


def test_constants_and_columns_of_other_sheets_stay_and_missing_headers_go() -> None:
    constant = {"headers": [], "targets": ["person.title"], "steps": [{"step": "constant", "value": "Dr"}]}
    elsewhere = {"headers": ["Firm"], "targets": ["company.name"], "sheet": "Firms"}
    missing = {"headers": ["Phone"], "targets": ["person.last_name"]}
    document = {**DOCUMENT, "columns": [constant, elsewhere, missing], "ignored": ["*"]}

    made = choose_targets(document, columns=COLUMNS, chosen={"e_mail": ["person.email"]})

    assert made["columns"] == [constant, elsewhere, {"headers": ["e_mail"], "targets": ["person.email"]}]
    assert made["ignored"] == []
