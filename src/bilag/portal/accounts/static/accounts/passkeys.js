/* Passkeys: starts what allauth's script does, and says it when the device did not answer. */
"use strict";
(() => {
  const start = document.getElementById("passkey-start");
  if (!start || !window.PublicKeyCredential) return;
  document.querySelectorAll("[data-needs-passkeys]").forEach((part) => { part.hidden = false; });
  const forms = window.allauth.webauthn.forms;
  const credential = document.querySelector("input[name=credential]");
  credential.id = "passkey-credential";
  const data = "passkey-data";
  const act = {
    login: () => forms.loginForm({ ids: { login: start.id, credential: credential.id } }),
    authenticate: () => forms.authenticateForm({ ids: { authenticate: start.id, credential: credential.id, data } }),
    add: () => forms.addForm({ ids: { add: start.id, credential: credential.id, data, passwordless: "id_passwordless" } }),
  };
  act[start.dataset.passkey]();
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const line = document.createElement("p");
    line.className = "ds-alert";
    line.dataset.color = "danger";
    line.textContent = document.getElementById("passkey-texts").dataset.failed;
    document.getElementById("alert").replaceChildren(line);
  });
})();
