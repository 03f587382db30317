// The links to other pages of the conflicts keep the policy that is chosen.
document.addEventListener("change", (event) => {
  if (event.target.name !== "on_conflict") {
    return;
  }
  for (const link of document.querySelectorAll(".pages a")) {
    const url = new URL(link.href);
    url.searchParams.set("on_conflict", event.target.value);
    link.href = url;
  }
});
