/* An extra: the token can be selected and copied without this file. */
"use strict";
(() => {
  const token = document.getElementById("token");
  const copy = document.getElementById("copy");
  if (!token || !copy || !navigator.clipboard) return;
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    let text = copy.dataset.done;
    try {
      await navigator.clipboard.writeText(token.value);
    } catch {
      token.select();
      text = copy.dataset.failed;
    }
    const line = document.createElement("p");
    line.className = "ds-alert";
    line.textContent = text;
    document.getElementById("status").replaceChildren(line);
  });
})();
