// What the pages have more with JavaScript: files that are dropped, options that apply at once, and keys of the grid.

// A form is sent once, unless the browser comes back to its page.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.isSent) {
    event.preventDefault();
  }
  event.target.dataset.isSent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.isSent;
  }
});

// Options of a file are read again as soon as they are changed with a pointer. With the keyboard, values of a list are
// passed on the way to the wanted one.
let isByPointer = false;
addEventListener("pointerdown", () => { isByPointer = true; });
addEventListener("keydown", () => { isByPointer = false; });
document.addEventListener("change", (event) => {
  if (isByPointer && event.target.matches("select[data-submits]")) {
    event.target.form.requestSubmit(event.target.form.querySelector("button:not(.primary)"));
  }
});

for (const form of document.querySelectorAll("form[data-drop]")) {
  const field = form.querySelector("input[type=file]");
  const show = (isOver) => form.classList.toggle("over", isOver);
  form.addEventListener("dragover", (event) => { event.preventDefault(); show(true); });
  form.addEventListener("dragleave", () => show(false));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    show(false);
    if (event.dataTransfer.files.length) {
      field.files = event.dataTransfer.files;
      form.requestSubmit();
    }
  });
}

const inRow = (row) => [...row.querySelectorAll("input[data-column]")];

function findBelow(field, distance) {
  const rows = [...field.closest("tbody").rows];
  const row = rows[rows.indexOf(field.closest("tr")) + distance];
  return row && inRow(row).find((each) => each.dataset.column === field.dataset.column);
}

document.addEventListener("keydown", (event) => {
  if (!event.target.matches(".grid input[data-column]") || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  const distance = { ArrowUp: -1, ArrowDown: 1, Enter: event.shiftKey ? -1 : 1 }[event.key];
  if (distance) {
    // Enter would send the whole page.
    event.preventDefault();
    const below = findBelow(event.target, distance);
    if (below) {
      below.focus();
      below.select();
    } else if (event.key === "Enter") {
      event.target.blur();
    }
  }
});

// Cells of a spreadsheet are text with tabs and line ends. They are pasted from the focused cell to the right and down.
document.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
  if (!event.target.matches(".grid input[data-column]") || !/[\t\n]/.test(text)) {
    return;
  }
  event.preventDefault();
  const first = inRow(event.target.closest("tr")).indexOf(event.target);
  const rows = [...event.target.closest("tbody").rows];
  const start = rows.indexOf(event.target.closest("tr"));
  text.split("\n").forEach((line, at) => {
    const row = rows[start + at];
    const fields = row ? inRow(row).slice(first) : [];
    const cells = line.split("\t").slice(0, fields.length);
    cells.forEach((cell, index) => { fields[index].value = cell; });
    fields[0]?.dispatchEvent(new Event("change", { bubbles: true }));
  });
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

// A request that fails leaves what was typed in its cell, and says so.
for (const name of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(name, () => {
    const notice = document.getElementById("grid-notice");
    if (notice) {
      notice.textContent = "The last change could not be saved. Check the connection, and change the cell again.";
    }
  });
}
