// What the pages have more with JavaScript: files that are dropped, and options that apply at once.

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
