// What the pages of the admin need so that they can be used with the keyboard and a screen reader: a link that skips the
// navigation, a main landmark, and buttons out of the elements that only listen to clicks.
const CLICKED = "div[x-on\\:click], span[x-on\\:click], a[x-on\\:click]:not([href])";

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

function mend(root) {
  makeButtons(root);
  hideIcons(root);
}

document.addEventListener("keydown", (event) => {
  const isPress = event.key === "Enter" || event.key === " ";
  if (isPress && event.target.matches(`:is(${CLICKED})[role=button]`)) {
    event.preventDefault();
    event.target.click();
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
  document.querySelectorAll(".simplebar-content-wrapper[role=region]").forEach((region, index) => {
    const isTable = region.querySelector("#result_list");
    region.ariaLabel = isTable ? "List" : region.closest("#nav-sidebar") ? "Navigation" : `Part ${index + 1}`;
  });
});
