// The table of rows with errors: keys, cells of a spreadsheet, rows that are loaded when they are scrolled to, and rows
// that are dropped when they are far away, so that the memory of the browser does not grow with their number.

const FIELD = ".grid input[data-column]";
// Parts on each side of those in view that stay loaded.
const KEPT = 3;

const inRow = (row) => [...row.querySelectorAll("input[data-column]")];
// The answer to a correction replaces what the service said, never what is said here.
const say = (id, text) => { document.getElementById(id).textContent = text; };
const isBefore = (one, other) => one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;

// The rows of the type of a field, also those of other parts, and where among them its own is.
function findRows(field) {
  const { type } = field.closest("table").dataset;
  const rows = [...document.querySelectorAll(`.grid[data-type="${type}"] > tbody > tr`)];
  return [rows, rows.indexOf(field.closest("tr"))];
}

function findBeside(field, isUp) {
  const [rows, at] = findRows(field);
  const row = rows[at + (isUp ? -1 : 1)];
  return row && inRow(row).find((each) => each.dataset.column === field.dataset.column);
}

function go(field) {
  field.focus();
  field.select();
}

// A field that was left downwards before the row below it was loaded.
let left = null;

document.addEventListener("keydown", (event) => {
  if (!event.target.matches(FIELD) || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  const isUp = event.key === "ArrowUp" || (event.key === "Enter" && event.shiftKey);
  if (!isUp && event.key !== "ArrowDown" && event.key !== "Enter") {
    return;
  }
  // Enter would send the whole page.
  event.preventDefault();
  const beside = findBeside(event.target, isUp);
  const more = document.getElementById("more");
  if (beside) {
    go(beside);
  } else if (!isUp && more) {
    left = event.target;
    more.scrollIntoView();
  }
  if (!beside && event.key === "Enter") {
    // What was typed is saved.
    event.target.blur();
  }
});

document.addEventListener("input", (event) => {
  if (event.target.matches(FIELD)) {
    say("failure-notice", "");
  }
});

// Cells of a spreadsheet are text with tabs and line ends. They are pasted from the focused cell to the right and down.
document.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
  if (!event.target.matches(FIELD) || !/[\t\n]/.test(text)) {
    return;
  }
  event.preventDefault();
  const first = inRow(event.target.closest("tr")).indexOf(event.target);
  const [all, at] = findRows(event.target);
  // The rows up to the next ones that are not loaded.
  const end = [...document.querySelectorAll(".part[data-is-dropped], #more")].find((each) => isBefore(event.target, each));
  const rows = all.slice(at).filter((row) => !end || isBefore(row, end));
  const lines = text.split("\n");
  lines.slice(0, rows.length).forEach((line, number) => {
    const fields = inRow(rows[number]).slice(first);
    const cells = line.split("\t").slice(0, fields.length);
    cells.forEach((cell, index) => { fields[index].value = cell; });
    fields[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  });
  const lost = lines.length - rows.length;
  const reason = end ? "the rows below are not loaded. Scroll down, and paste them there." : "no rows are below.";
  say("paste-notice", lost > 0 ? `The last ${lost} of ${lines.length} pasted rows are not used: ${reason}` : "");
});

const parts = () => [...document.querySelectorAll(".part")];
const isInUse = (part) => part.contains(document.activeElement) || part.querySelector(".htmx-request");

function drop(part) {
  // It keeps its place.
  part.style.height = `${part.offsetHeight}px`;
  part.replaceChildren();
  part.dataset.isDropped = "yes";
}

function load(part) {
  delete part.dataset.isDropped;
  htmx.ajax("GET", part.dataset.url, { source: part, target: part, swap: "innerHTML" }).then(() => {
    part.style.height = "";
  });
}

const inView = new Set();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    inView[isIntersecting ? "add" : "delete"](target);
  }
  const all = parts();
  const seen = all.flatMap((part, at) => (inView.has(part) ? [at] : []));
  if (!seen.length) {
    return;
  }
  const [first, last] = [Math.min(...seen) - KEPT, Math.max(...seen) + KEPT];
  all.forEach((part, at) => {
    const isNear = at >= first && at <= last;
    if (isNear && part.dataset.isDropped) {
      load(part);
    } else if (!isNear && !part.dataset.isDropped && !isInUse(part)) {
      drop(part);
    }
  });
});

function observeParts() {
  for (const part of parts()) {
    observer.observe(part);
  }
}
observeParts();

document.addEventListener("htmx:afterSettle", () => {
  observeParts();
  const isStill = left?.isConnected && [left, document.body].includes(document.activeElement);
  const below = isStill && findBeside(left, false);
  left = isStill && !below ? left : null;
  if (below) {
    go(below);
  }
});

// Errors of rows come back with the columns that they are about.
const normalize = (column) => column.toLowerCase().replace(/[\s_-]/g, "");
document.addEventListener("htmx:oobAfterSwap", (event) => {
  const problems = event.target.closest(".problems");
  const row = problems?.closest("tr");
  if (!row) {
    return;
  }
  const wrong = [...problems.querySelectorAll("[data-column]")].map((each) => normalize(each.dataset.column));
  for (const field of inRow(row)) {
    if (wrong.includes(normalize(field.dataset.column))) {
      field.setAttribute("aria-invalid", "true");
    } else {
      field.removeAttribute("aria-invalid");
    }
  }
});

// A request that fails leaves what was typed in its cell, and says so until a cell is changed.
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, () => {
    say("failure-notice", "A change could not be saved. Check the connection, and change the cell again.");
  });
}
