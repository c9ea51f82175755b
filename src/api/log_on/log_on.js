// Logs on with the secret behind # of a link of `uacsta web`, which a browser sends in no request for a page.
const state = document.getElementById("state");
const link = location.hash.slice(1);
// The history keeps the address without it.
history.replaceState(null, "", location.pathname);
if (link === "") {
  state.textContent = "This address lacks the end of the link: open it as uacsta web prints it.";
} else {
  state.textContent = "Logging on …";
  try {
    const answer = await fetch("api/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link }),
    });
    if (answer.ok) {
      location.replace("api/v1/");
    } else {
      state.textContent = (await answer.json()).detail;
    }
  } catch {
    state.textContent = "The server does not answer. Once it runs, uacsta web prints a new link.";
  }
}
