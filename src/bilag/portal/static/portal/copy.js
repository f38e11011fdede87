/* An extra: what stands in the field can be selected and copied without this file. */
"use strict";
(() => {
  const copy = document.getElementById("copy");
  const field = copy && document.getElementById(copy.dataset.copies);
  if (!field || !navigator.clipboard) return;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    let text = copy.dataset.done;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      text = copy.dataset.failed;
    }
    const line = document.createElement("p");
    line.className = "ds-alert";
    line.textContent = text;
    document.getElementById("status").replaceChildren(line);
  });
})();
