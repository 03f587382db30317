// What the pages of the admin need so that they can be used with the keyboard and a screen reader: a link that skips the
// navigation, a main landmark, buttons out of the elements that only listen to clicks, and menus that say whether they are
// open, close by Escape and give the focus back.
const CLICKED = "div[x-on\\:click], span[x-on\\:click], a[x-on\\:click]:not([href])";
const COMMAND = "[x-data='searchCommand()']";

function makeButtons(root) {
  for (const element of root.querySelectorAll(CLICKED)) {
    // What has no text is the backdrop of a dialog.
    if (!element.textContent.trim() || element.hasAttribute("tabindex")) {
      continue;
    }
    element.tabIndex = 0;
    element.role = "button";
    if (/sidebar(Desktop|Mobile)Open/.test(element.getAttribute("x-on:click"))) {
      element.ariaLabel = "Show or hide the navigation";
    } else if (element.getAttribute("x-on:click").includes("openUserLinks")) {
      element.ariaLabel = `Account of ${element.querySelector(".font-semibold.truncate").textContent.trim()}`;
    }
  }
}

// The names of icons are text, which a screen reader would read beside the name of the link or button.
function hideIcons(root) {
  for (const icon of root.querySelectorAll(".material-symbols-outlined")) {
    const owner = icon.closest("a, button, [role=button]");
    if (owner?.pathname === "/admin/" && owner.textContent.trim() === icon.textContent.trim()) {
      owner.ariaLabel = "Home page";
    }
    const isNamed = owner?.ariaLabel || owner?.title || owner?.textContent.trim() !== icon.textContent.trim();
    if (owner && owner !== icon && isNamed) {
      icon.ariaHidden = "true";
    }
  }
}

// The packages' widgets have no names of their own: a screen reader says the label of the field that they stand for.
function nameWidgets(root) {
  for (const widget of root.querySelectorAll(".select2-selection[aria-labelledby]")) {
    const field = widget.closest(".select2").previousElementSibling;
    const label = field?.labels?.[0];
    const shown = widget.querySelector(".select2-selection__rendered");
    if (label && shown) {
      label.id ||= `label-of-${field.id}`;
      widget.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
      shown.setAttribute("aria-labelledby", label.id);
    }
  }
  for (const tip of root.querySelectorAll(".help-tooltip[aria-label]")) {
    tip.role = "img";
  }
}

function mend(root) {
  makeButtons(root);
  hideIcons(root);
}

// Before Alpine reads the page: it keeps these attributes up to date.
document.addEventListener("alpine:init", () => {
  for (const element of document.querySelectorAll("[x-on\\:click]")) {
    const opens = /^\s*(\w+) = (?:!\1|true)/.exec(element.getAttribute("x-on:click"))?.[1];
    if (!opens) {
      continue;
    }
    element.setAttribute("x-bind:aria-expanded", opens);
    // The navigation of a wide page is no menu, and a row of a list covers nothing.
    if (!/^(sidebarDesktopOpen|rowOpen|navigationOpen)$/.test(opens)) {
      const isShown = "$el.checkVisibility()";
      element.setAttribute("x-on:keydown.escape.window", `if (${opens} && ${isShown}) { ${opens} = false; $el.focus(); }`);
    }
  }
  const command = document.querySelector(COMMAND);
  if (command) {
    command.role = "dialog";
    command.ariaModal = "true";
    command.ariaLabel = "Search";
  }
});

function listFocusable(root) {
  const found = root.querySelectorAll("a[href], button, input, select, textarea, [tabindex]");
  return [...found].filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility());
}

// The focus stays in what covers the page.
function wrapFocus(event, cover) {
  const elements = listFocusable(cover);
  const [first, last] = [elements[0], elements.at(-1)];
  if (event.target === (event.shiftKey ? first : last)) {
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  }
}

function findCover(element) {
  const cover = element.closest(`${COMMAND}, #changelist-filter`);
  return cover && getComputedStyle(cover).position === "fixed" ? cover : null;
}

// Alpine shows an element in one of the next frames.
function focusWhenShown(root, frames = 30) {
  const first = root.checkVisibility() && listFocusable(root)[0];
  if (first) {
    first.focus();
  } else if (frames) {
    requestAnimationFrame(() => focusWhenShown(root, frames - 1));
  }
}

function pressButton(element) {
  const isOpened = element.ariaExpanded === "false";
  element.click();
  if (isOpened && element.getAttribute("x-on:click").includes("openUserLinks")) {
    // The menu of the account is before its button.
    focusWhenShown(element.previousElementSibling);
  }
}

let openedFrom = null;

document.addEventListener("keydown", (event) => {
  const isPress = event.key === "Enter" || event.key === " ";
  if (isPress && event.target.matches(`:is(${CLICKED})[role=button]`)) {
    event.preventDefault();
    pressButton(event.target);
  }
  const cover = event.target.closest && findCover(event.target);
  if (cover && event.key === "Tab") {
    wrapFocus(event, cover);
  } else if (cover?.matches(COMMAND) && event.key === "Escape") {
    document.getElementById("search-input-command").focus();
    if (!Alpine.$data(cover).openCommandResults) {
      openedFrom?.focus();
    }
  }
});

document.addEventListener("focusin", (event) => {
  if (event.target.id === "search-input-command" && !event.relatedTarget?.closest(COMMAND)) {
    openedFrom = event.relatedTarget;
  }
});

// The filters of a list cover the page, and are not beside the button that shows them.
document.addEventListener("click", (event) => {
  const filters = document.getElementById("changelist-filter");
  if (filters && event.target.closest("[x-on\\:click='filterOpen = true']")) {
    focusWhenShown(filters);
  }
});

document.addEventListener("DOMContentLoaded", () => {
  const main = document.getElementById("main");
  if (main) {
    main.role = "main";
    main.tabIndex = -1;
    document.body.insertAdjacentHTML("afterbegin", '<a class="skip" href="#main">Skip to the content</a>');
  }
  mend(document);
});

document.addEventListener("htmx:afterSettle", (event) => mend(event.target));

// The package gives all regions that scroll the same name.
addEventListener("load", () => {
  // After the packages have made theirs, which they also do when the page is loaded.
  setTimeout(() => nameWidgets(document));
  document.querySelectorAll(".simplebar-content-wrapper[role=region]").forEach((region, index) => {
    const isTable = region.querySelector("#result_list");
    region.ariaLabel = isTable ? "List" : region.closest("#nav-sidebar") ? "Navigation" : `Part ${index + 1}`;
  });
});
