// Logs on with name and password, or with the secret behind # of a link, which a browser sends in no request for a page.
const state = document.getElementById("state");
const form = document.getElementById("log-on");
const link = location.hash.slice(1);
// The history keeps the address without it.
history.replaceState(null, "", location.pathname);

async function logOn(credentials) {
  state.textContent = form.dataset.busy;
  try {
    const answer = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
    });
    if (answer.ok) {
      location.replace("/overview");
    } else {
      state.textContent = (await answer.json()).detail;
      form.elements.password.select();
    }
  } catch {
    state.textContent = form.dataset.silent;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  logOn(Object.fromEntries(new FormData(form)));
});
if (link !== "") logOn({ link });
