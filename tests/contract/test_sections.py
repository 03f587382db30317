"""``docs/contract.md`` has every section that the code cites, and no broken links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
CONTRACT = ROOT / "docs" / "contract.md"
PACKAGES = ("importsvc", "organizations", "companies", "people", "tests", "benchmarks")

# "contract, section 2.5", "contract's section 1", "contract (section 2.5)", "contract, sections 1 and 2.2"…
CITATION = re.compile(r"[Cc]ontract\W[^.]{0,40}?\bsections? ((?:\d(?:\.\d)?(?:, | and )?)+)")
SECTION = re.compile(r"\d(?:\.\d)?")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def cited_sections() -> Iterator[tuple[str, str]]:
    """The places that cite a section, with its number."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = " ".join(path.read_text().split())
            for citation in CITATION.finditer(text):
                for number in SECTION.findall(citation[1]):
                    yield str(path.relative_to(ROOT)), number


def headings(path: Path) -> list[str]:
    return HEADING.findall(path.read_text())


def test_every_section_cited_in_the_code_exists() -> None:
    sections = {SECTION.match(heading)[0] for heading in headings(CONTRACT) if SECTION.match(heading)}  # type: ignore[index]
    citations = list(cited_sections())

    assert sections == {"1", "2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7"}
    assert len(citations) >= 20
    assert [(path, number) for path, number in citations if number not in sections] == []


def test_every_link_leads_to_a_heading() -> None:
    for name, anchor in re.findall(r"\]\(([a-z-]+\.md)(?:#([^)]*))?\)", CONTRACT.read_text()):
        anchors = [
            re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(CONTRACT.parent / name)
        ]
        assert not anchor or anchor in anchors, (name, anchor)
