"""The links to the pages of a table on the page of an import."""

from __future__ import annotations

from typing import Any

from django import template
from django.core.paginator import Page
from django.template.context import Context

from importsvc.admin_site.names import show_name
from importsvc.imports.actor_texts import show_actor

register = template.Library()
register.filter(show_name)
register.filter(show_actor)


@register.inclusion_tag("admin/imports/import/page_links.html", takes_context=True)
def page_links(context: Context, page: Page[Any], parameter: str, noun: str, label: str = "") -> dict[str, Any]:
    """The number of lines of a table, and links that set a query parameter to that of a page and keep the others.

    The parameter is called ``staged_page``, and the section of the table, to which the links lead, ``staged``; also to
    screen readers, unless there is a label. ``noun`` is the name of one line.
    """
    query = context["request"].GET.copy()
    links: list[tuple[int | str, str | None]] = []
    for number in page.paginator.get_elided_page_range(page.number):
        query[parameter] = str(number)
        links.append((number, f"?{query.urlencode()}" if isinstance(number, int) else None))
    section = parameter.removesuffix("_page")
    return {"page": page, "links": links, "section": section, "noun": noun, "label": label or section}
