"""Goes through a page by Tab, as a keyboard alone does, and checks the way: order, completeness, visible focus."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from playwright.sync_api import Page

# Fields of dates have several places at which Tab stops.
_MOST_STOPS_OF_ONE = 6

# What the page's own functions are kept in, from one press of Tab to the next.
_PREPARE = """() => {
    const candidates = "a[href], area[href], button, input, select, textarea, summary, iframe, [tabindex],"
        + " [contenteditable]";
    const isSelected = (radio) => {
        const group = [...document.querySelectorAll("input[type=radio]")]
            .filter((each) => each.name === radio.name && each.form === radio.form && !each.disabled);
        return radio === (group.find((each) => each.checked) ?? group[0]);
    };
    const isReached = (element) => element.tabIndex >= 0
        && !element.matches(":disabled, input[type=hidden]")
        && !element.closest("[inert]")
        && element.checkVisibility({ visibilityProperty: true })
        && (element.type !== "radio" || !element.name || isSelected(element));
    const describe = (element) => {
        const shown = element.cloneNode(true);
        shown.querySelectorAll?.("[aria-hidden=true]").forEach((icon) => icon.remove());
        const labels = (element.getAttribute("aria-labelledby") ?? "").split(" ").filter(Boolean)
            .map((id) => document.getElementById(id)?.textContent ?? "");
        const names = [
            labels.join(" "), element.ariaLabel, element.labels?.[0]?.textContent, shown.textContent, element.title,
            element.placeholder,
        ];
        return (names.find((name) => name?.trim()) ?? element.outerHTML.slice(0, 120)).replace(/\\s+/g, " ").trim();
    };
    const properties = [
        "outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor", "backgroundColor", "color",
        "textDecorationLine", "left", "top", "opacity", "clipPath", "transform",
    ];
    const look = (element) => {
        // What is shown at the end of transitions.
        for (const animation of document.getAnimations()) { try { animation.finish(); } catch { /* without end */ } }
        const parent = element.parentElement;
        const around = [element, parent, parent?.parentElement, ...(element.labels ?? [])].filter(Boolean);
        return JSON.stringify(around.map((each) => {
            const style = getComputedStyle(each);
            return properties.map((name) => style[name]);
        }));
    };
    const isInView = (element) => {
        const box = element.getBoundingClientRect();
        const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
        const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
        if (right <= left || bottom <= top) { return false; }
        return [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.1], [0.5, 0.9]].some(([x, y]) => {
            const found = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
            return found && (element.contains(found) || found.contains(element)
                || [...(element.labels ?? [])].some((label) => label.contains(found)));
        });
    };
    scrollTo(0, 0);
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    const wanted = [...document.querySelectorAll(candidates)].filter(isReached);
    window.keyboardWalk = { describe, look, isInView, last: null, lastLook: "" };
    return wanted.map((element) => {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        return { name: describe(element), tabIndex: element.tabIndex, box: { left, right, top, bottom } };
    });
}"""

_SEE = """() => {
    const walk = window.keyboardWalk;
    const isLeft = !document.hasFocus() || !document.activeElement || document.activeElement === document.body
        || document.activeElement === document.documentElement;
    const element = isLeft ? null : document.activeElement;
    if (element === walk.last) { return element ? { isSame: true } : null; }
    const hadVisibleFocus = !walk.last || walk.look(walk.last) !== walk.lastLook;
    walk.last = element;
    walk.lastLook = element ? walk.look(element) : "";
    walk.first ??= element;
    const isAgain = walk.wasFirst && element === walk.first;
    walk.wasFirst = true;
    return {
        hadVisibleFocus,
        isEnd: isLeft || isAgain,
        name: element ? walk.describe(element) : "",
        isInView: !element || walk.isInView(element),
        isScroller: Boolean(element) && element.tabIndex < 0,
    };
}"""


def walk(page: Page) -> list[str]:
    """Press Tab from the start of the page to its end; returns what a screen reader calls each element with the focus.

    Checks that every interactive element that is visible gets the focus, once, in reading order: that of the document,
    in which none is above and left of the one before. Each is in view while it has the focus, and looks different then.
    """
    wanted = page.evaluate(_PREPARE)
    names = [each["name"] for each in wanted]
    reordered, jumps = [each["name"] for each in wanted if each["tabIndex"] > 0], _find_jumps(wanted)
    assert not reordered, f"elements change the order of Tab: {reordered}"
    assert not jumps, f"elements are shown above those before them: {jumps}"
    found: list[str] = []
    hidden: list[str] = []
    unmarked: list[str] = []
    stops = 0
    while True:
        page.keyboard.press("Tab")
        seen = page.evaluate(_SEE)
        if seen is None:
            break
        if seen.get("isSame"):
            stops += 1
            assert stops < _MOST_STOPS_OF_ONE, f"{found[-1]} keeps the focus"
            continue
        stops = 0
        if found and not seen["hadVisibleFocus"]:
            unmarked.append(found[-1])
        if seen["isEnd"]:
            break
        # Chromium stops at a part that scrolls and has nothing interactive, too.
        if not seen["isScroller"]:
            found.append(seen["name"])
        if not seen["isInView"]:
            hidden.append(seen["name"])
        assert len(found) <= len(wanted), f"the end is not reached: {found[len(wanted) - 1 :]}"
    assert found == names, f"not every element gets the focus in the order of the page: {found} instead of {names}"
    assert not unmarked, f"elements look the same with and without the focus: {unmarked}"
    assert not hidden, f"elements have the focus and are not in view: {hidden}"
    return found


def _find_jumps(wanted: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The elements that are shown above the one before, and not beside it."""
    # A link to skip to the content is outside of the page until it has the focus.
    shown = [each for each in wanted if each["box"]["right"] > 0 and each["box"]["bottom"] > 0]
    return [
        (before["name"], after["name"])
        for before, after in pairwise(shown)
        if after["box"]["bottom"] <= before["box"]["top"] and after["box"]["left"] < before["box"]["right"]
    ]
