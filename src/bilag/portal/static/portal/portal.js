/* The pages work without this file; it adds announcements, the session's end and kept forms. */
"use strict";
(() => {
  const status = document.getElementById("status");
  const alertRegion = document.getElementById("alert");

  /* Both live regions stand in the first HTML; only their children change. */
  const announce = (text, region = status) => {
    const line = document.createElement("p");
    line.textContent = text;
    line.className = "ds-sr-only";
    region.querySelectorAll(":scope > .ds-sr-only").forEach((old) => old.remove());
    region.append(line);
  };

  /* What an answer of the server says when the page is new: a region that is filled later is read out. */
  const said = document.getElementById("said");
  if (said) setTimeout(() => { status.append(...said.children); said.remove(); }, 150);

  document.addEventListener("htmx:afterSettle", (event) => {
    const text = event.detail.xhr && event.detail.xhr.getResponseHeader("Bilag-Announce");
    if (text) announce(decodeURIComponent(text));
  });
  document.addEventListener("htmx:responseError", (event) => {
    /* Signed out in the meantime, or the server is down: the page stays as it is, and says so. */
    announce(event.detail.xhr.statusText || String(event.detail.xhr.status), alertRegion);
  });

  const summary = document.getElementById("error-summary");
  if (summary) {
    summary.focus();
    /* The address still names the place that the skip link led to, and browsers go there last. */
    if (location.hash) addEventListener("load", () => requestAnimationFrame(() => summary.focus()));
  } else if (location.hash.length > 1) {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.focus();
  }

  /* The session's end: a warning five minutes before, one button to put it off. */
  const warning = document.getElementById("session-warning");
  const text = warning && warning.querySelector("[data-session-text]");
  const button = warning && warning.querySelector("[data-session-extend-button]");
  const WARN_SECONDS = 300;
  let ends = Number(document.body.dataset.sessionEnds || 0);
  let warnTimer, endTimer;
  const now = () => Date.now() / 1000;
  const later = (seconds, act) => setTimeout(act, Math.min(Math.max(seconds, 0) * 1000, 2 ** 31 - 1));
  const watch = () => {
    clearTimeout(warnTimer);
    clearTimeout(endTimer);
    if (!ends || !warning) return;
    warnTimer = later(ends - WARN_SECONDS - now(), () => {
      const at = new Date(ends * 1000).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
      text.textContent = text.dataset.text.replace("{time}", at);
      warning.hidden = false;
      announce(`${text.textContent} ${button.textContent}`, alertRegion);
    });
    endTimer = later(ends - now(), () => {
      keep();
      text.textContent = text.dataset.ended;
      button.hidden = true;
      warning.hidden = false;
      announce(text.textContent, alertRegion);
    });
  };
  if (button) button.addEventListener("click", async () => {
    const token = document.querySelector("input[name=csrfmiddlewaretoken]");
    try {
      const answer = await fetch(document.body.dataset.sessionExtend, {
        method: "POST",
        headers: { "X-CSRFToken": token ? token.value : "", Accept: "application/json" },
      });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      ends = (await answer.json()).ends;
    } catch { return; }
    warning.hidden = true;
    document.getElementById("content").focus();
    announce(button.dataset.extended);
    watch();
  });

  /* What was written is kept in this window when the session ends, and filled in after signing in. */
  const KEPT = `kept:${location.pathname}`;
  const fields = () => [...document.querySelectorAll("main form[method=post] :is(input, select, textarea)")].filter(
    (field) => field.name && !["password", "hidden", "file", "submit"].includes(field.type) && field.autocomplete !== "off",
  );
  const keep = () => {
    const values = fields().map((field) => [field.name, field.value, field.type, field.checked]);
    if (values.length) sessionStorage.setItem(KEPT, JSON.stringify(values));
  };
  document.addEventListener("submit", () => { if (ends && now() > ends) keep(); });
  const kept = sessionStorage.getItem(KEPT);
  if (kept && ends) {
    sessionStorage.removeItem(KEPT);
    const free = fields();
    for (const [name, value, type, checked] of JSON.parse(kept)) {
      const toggle = type === "checkbox" || type === "radio";
      const index = free.findIndex((field) => field.name === name && (!toggle || field.value === value));
      if (index < 0) continue;
      const [field] = free.splice(index, 1);
      if (toggle) field.checked = checked; else field.value = value;
    }
    const line = document.getElementById("kept-text");
    if (line) setTimeout(() => announce(line.textContent), 200);
  }
  watch();
})();
