"""``docs/architecture.md`` names what is there: every path, module, function and link of it exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
PAGE = (ROOT / "docs" / "architecture.md").read_text()

# A question of the page, where it leads, and what does it there.
ANSWERS = [
    ("a header matched", "importsvc/engine/parse/rows.py", "_find_position", "normalize_header("),
    ('"has already been taken"', "importsvc/engine/plan/row_checks.py", "_refuse", "has already been taken"),
    ("a conflict of a revert decided", "importsvc/engine/revert/conflicts.py", "find_obstacles", "find_edits("),
    ("COPY called", "importsvc/postgres/copy.py", "copy_rows", "copy_expert("),
]


def read_tree() -> Iterator[Path]:
    """Every file and folder of the tree, which is indented by two spaces a level."""
    tree = re.search(r"## The tree\n\n```\n(.*?)```", PAGE, re.DOTALL)
    assert tree
    folders: list[str] = []
    for line in tree[1].splitlines():
        names, _, _ = line.lstrip().partition("  ")
        folders[(len(line) - len(line.lstrip())) // 2 :] = [names.strip()]
        yield Path(*folders)


def read_named() -> Iterator[Path]:
    """Every path in backticks, in the folder that the heading above it names unless it begins with one of the root."""
    folder = Path()
    for line in PAGE.splitlines():
        names = [name for name in re.findall(r"`([\w./-]+)`", line) if "/" in name or name.endswith((".py", ".cfg"))]
        if line.startswith("#"):
            folder = Path(names[0]) if names else Path()
            continue
        for name in names:
            yield Path(name) if (ROOT / name.split("/")[0]).is_dir() or not folder.parts else folder / name


def find_code(path: str, name: str) -> str | None:
    """The code of a function or class of a module; ``Class.method`` of a method."""
    source = (ROOT / path).read_text()
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        found = [
            child
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.FunctionDef | ast.ClassDef) and child.name == part
        ]
        if not found:
            return None
        node = found[0]
    return ast.get_source_segment(source, node)


def read_questions() -> list[tuple[str, str, list[str]]]:
    """The rows of the table of questions: question, module, names."""
    rows = re.findall(r"^\| (where .+?\?|what .+?\?|which .+?\?|how .+?\?) \| `(.+?)` \| (.+) \|$", PAGE, re.MULTILINE)
    return [(question, path, re.findall(r"`([\w.]+)`", names)) for question, path, names in rows]


def test_everything_in_the_tree_exists() -> None:
    tree = list(read_tree())

    assert len(tree) > 30
    assert [str(path) for path in tree if not (ROOT / path).exists()] == []


def test_every_path_and_module_named_on_the_page_exists() -> None:
    named = [path for path in read_named() if path.name != "importable.py"]  # of each app

    assert len(named) > 80
    assert [str(path) for path in named if not (ROOT / path).exists()] == []


def test_every_module_of_the_project_package_is_named_on_the_page() -> None:
    # Folders that Django gives their names, and what is in the tree as a folder.
    skipped = {"migrations", "commands", "formats", "embedded", "apps.py", "__init__.py"}
    known = {*read_tree(), *read_named()}
    modules = [path.relative_to(ROOT) for path in (ROOT / "importsvc").rglob("*.py")]

    assert sorted(str(path) for path in modules if not skipped & {*path.parts} and path not in known) == []


@pytest.mark.parametrize(("question", "path", "names"), read_questions())
def test_each_question_of_the_page_leads_to_a_name_that_the_module_has(
    question: str, path: str, names: list[str]
) -> None:
    assert names
    assert [name for name in names if find_code(path, name) is None] == [], question


@pytest.mark.parametrize(("question", "path", "name", "text"), ANSWERS)
def test_a_stranger_finds_the_code_that_does_it(question: str, path: str, name: str, text: str) -> None:
    (found,) = [row for row in read_questions() if question in row[0]]

    assert found[1] == path
    (method,) = [each for each in found[2] if each.split(".")[-1] == name]
    assert text in (find_code(path, method) or "")


def test_every_link_of_the_page_leads_to_a_page() -> None:
    links = re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", PAGE)

    assert len(links) > 5
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
