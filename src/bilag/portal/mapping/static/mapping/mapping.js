/* The mapping editor works without this file; it adds suggestions, and dragging onto rows. */
"use strict";
(() => {
  /* A code field asks the server for choices and for the name of the code that is written there. */
  document.querySelectorAll("form[data-suggestions]").forEach((form) => {
    form.querySelectorAll("input[data-suggest]").forEach((input) => {
      const choices = document.getElementById(`${input.id}_choices`);
      if (!choices || !window.htmx) return;
      input.setAttribute("list", choices.id);
      const query = new URLSearchParams({ what: input.dataset.suggest, field: input.name });
      input.setAttribute("hx-get", `${form.dataset.suggestions}?${query}`);
      input.setAttribute("hx-trigger", "focus once, input changed delay:300ms");
      input.setAttribute("hx-target", `#${choices.id}`);
      input.setAttribute("hx-swap", "innerHTML");
      window.htmx.process(input);
    });
  });

  /* Dragging a field of the app onto a row does what choosing it in the row's list does. */
  const palette = document.getElementById("palette");
  if (!palette) return;
  palette.hidden = false;
  palette.addEventListener("dragstart", (event) => {
    const item = event.target.closest("[data-path]");
    if (item) event.dataTransfer.setData("text/plain", item.dataset.path);
  });
  document.querySelectorAll("[data-row]").forEach((row) => {
    row.addEventListener("dragover", (event) => { event.preventDefault(); row.dataset.over = ""; });
    row.addEventListener("dragleave", () => { delete row.dataset.over; });
    row.addEventListener("drop", (event) => {
      event.preventDefault();
      delete row.dataset.over;
      const select = row.querySelector("select");
      const path = event.dataTransfer.getData("text/plain");
      if (![...select.options].some((option) => option.value === path)) return;
      select.value = path;
      select.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });
})();
