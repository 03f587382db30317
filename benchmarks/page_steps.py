"""The requests to the pages that are measured."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.browser import Browser, Response
from benchmarks.page_data import Data
from benchmarks.pages import Sizes
from benchmarks.tables import Figure, Section, compare_limit, milliseconds
from people.services import create_organization
from tests.wizard.walking import Forms

# No step of the wizard takes longer, and no page of the admin.
LONGEST_MS = 1_000
# Searching imports by a record that they wrote.
SEARCH_MS = 200


class _Steps:
    """The rows of a table, as they are measured."""

    def __init__(self, title: str, rounds: int) -> None:
        self.section = Section(title)
        self._rounds = rounds

    def add(self, what: str, response: Response) -> Response:
        """A request that is sent once."""
        self.add_slowest(what, response.seconds)
        return response

    def add_slowest(self, what: str, seconds: float) -> None:
        """The slowest of several requests."""
        self.section.rows.append(compare_limit(what, Figure(seconds * 1_000, "ms"), at_most=LONGEST_MS))

    def repeat(self, what: str, ask: Callable[[], Response], *, at_most: float = LONGEST_MS) -> Response:
        """A page that is asked for several times."""
        ask()  # what happens only once, such as reading templates
        responses = [ask() for _ in range(self._rounds)]
        figure = milliseconds([response.seconds for response in responses])
        self.section.rows.append(compare_limit(what, figure, at_most=at_most))
        return responses[-1]


def _make_file(rows: int) -> bytes:
    """People and their companies: one in a hundred has an address that is none, and one in a hundred no name."""
    lines = ["Company,First name,Last name,Email,Title"]
    for number in range(rows):
        name = "" if number % 100 == 1 else f"John{number}"
        email = "unknown" if number % 100 == 2 else f"john{number}@mail.com"
        lines.append(f"Company {number % (rows // 10)},{name},Doe,{email},Contact")
    return "\n".join(lines).encode()


def measure_wizard(port: int, sizes: Sizes) -> Section:
    """The table of the wizard."""
    steps = _Steps(f"A file of {sizes.rows:,} rows in the wizard", sizes.rounds)
    tenant = create_organization(name="Wizard", email="wizard@example.com")
    browser, home = Browser(port), f"/import/{tenant.organization.pk}/"
    start = f"/import/?organization={tenant.organization.pk}"
    browser.send(start, browser.get(start), "wizard")
    page = steps.repeat("history, with the field for a file", lambda: browser.get(home))
    token = {"csrfmiddlewaretoken": Forms(page.text).found[0]["fields"]["csrfmiddlewaretoken"]}
    content = _make_file(sizes.rows)
    upload = steps.add("upload", browser.post(f"{home}files/", token, ("people.csv", content)))
    file = steps.repeat("file: what was detected", lambda: browser.get(upload.location))
    columns_url = steps.add("file, sent", browser.send(upload.location, file, "Continue", next="1")).location
    columns = steps.repeat("columns", lambda: browser.get(columns_url))
    operation = steps.add("columns, sent", browser.send(columns_url, columns, "Check the rows")).location
    check_url, slowest = browser.wait(operation)
    steps.add_slowest("progress of reading, the slowest", slowest)
    check = steps.repeat("check: errors by cause, rows with errors", lambda: browser.get(check_url))
    import_url = check_url.removesuffix("check")
    steps.add("replace a value in all rows", browser.send(check_url, check, "Replace", to="a@example.org"))
    _, slowest = browser.wait(import_url)
    steps.add_slowest("progress of that, the slowest", slowest)
    preview_url = f"{import_url}preview"
    steps.add("preview, asked for", browser.get(preview_url))
    _, slowest = browser.wait(preview_url)
    steps.add_slowest("progress of the preview, the slowest", slowest)
    preview = steps.repeat("preview", lambda: browser.get(preview_url))
    steps.repeat("preview, page 20", lambda: browser.get(f"{preview_url}?page=20"))
    steps.add("run", browser.send(preview_url, preview, "Import "))
    _, slowest = browser.wait(import_url)
    steps.add_slowest("progress of the run, the slowest", slowest)
    steps.repeat("result", lambda: browser.get(import_url))
    undo_url = f"{import_url}?undo=1"
    steps.add("revert, asked for", browser.get(undo_url))
    browser.wait(undo_url)
    undo = steps.repeat("revert: what it would do", lambda: browser.get(undo_url))
    steps.add("revert, sent", browser.send(undo_url, undo, "Revert import"))
    _, slowest = browser.wait(import_url)
    steps.add_slowest("progress of the revert, the slowest", slowest)
    steps.repeat("result, reverted", lambda: browser.get(import_url))
    steps.section.notes.append(
        "Server time of each request, over HTTP on the loopback interface, with a worker beside it. Pages are medians"
        f" of {sizes.rounds}; what is sent, and what is asked for while a worker works, is measured once. One in 50"
        " rows has an error."
    )
    return steps.section


def measure_admin(port: int, sizes: Sizes, data: Data) -> Section:
    """The table of the admin."""
    title = f"The admin with {sizes.imports:,} imports and {sizes.people + 10 * sizes.imports * 8 // 10:,} changes"
    steps, browser = _Steps(title, sizes.rounds), Browser(port)
    imports, of_import = "/admin/imports/import/", f"/admin/imports/import/{data.large.pk}/"
    address = f"john{sizes.people // 2}@mail.com"
    pages = {
        "home": "/admin/",
        "imports": imports,
        "imports, last page": f"{imports}?p={sizes.imports // 50}",
        "imports that need attention": f"{imports}?state=attention",
        f"the import of {sizes.people:,} people": f"{of_import}change/",
        "its changes, last page": f"{of_import}change/?changes_page={sizes.people // 50}",
        "its changes, filtered by a field": f"{of_import}change/?changes-field=person.title",
        "a word in its changes, first part": f"{of_import}change/?changes-search=Nowhere",
        "an address in its changes": f"{of_import}change/?changes-search={address}",
        "people, with their last imports": "/admin/people/person/",
    }
    for what, url in pages.items():
        steps.repeat(what, lambda url=url: browser.get(url))  # type: ignore[misc]
    steps.repeat("imports, searched by an address", lambda: browser.get(f"{imports}?q={address}"), at_most=SEARCH_MS)
    steps.add("its revert, asked for", browser.get(f"{of_import}revert/"))
    _, slowest = browser.wait(f"{of_import}choices/")
    steps.add_slowest("progress of finding out what it would do, the slowest", slowest)
    steps.repeat("its revert: choices and conflicts", lambda: browser.get(f"{of_import}revert/"))
    steps.repeat("its revert, second page", lambda: browser.get(f"{of_import}revert/?conflicts_page=2"))
    return steps.section
