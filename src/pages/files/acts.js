// What buttons and forms do: each is a request to the API, whose refusal is shown.
import { refresh } from "./live.js";

function tell(text) {
  const outcome = document.getElementById("outcome");
  outcome.textContent = text;
  outcome.hidden = text === "";
}

async function send(method, path, body, headers = {}) {
  const request = { method, headers: { ...headers } };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, request);
  } catch {
    const { lost } = document.getElementById("connection").dataset;
    tell(lost);
    return undefined;
  }
  if (answer.ok) {
    tell("");
    return answer;
  }
  const problem = await answer.json().catch(() => ({}));
  tell(problem.detail ?? answer.statusText);
  return undefined;
}

async function act(button) {
  const { act: method, path, body, confirm: question, then } = button.dataset;
  if (question && !confirm(question)) return;
  if (method === "log-off") {
    if (await send("DELETE", "/api/v1/session")) location.assign("/log-on");
    return;
  }
  button.disabled = true;
  const answer = await send(method, path, body && JSON.parse(body));
  button.disabled = false;
  if (answer && then) location.assign(then);
  else refresh();
}

async function add(form) {
  const { act: method, path } = form.dataset;
  if (await send(method, path, Object.fromEntries(new FormData(form)))) {
    form.reset();
    refresh();
  }
}

// The settings of now, if they are those that the page shows.
async function current(settings) {
  const answer = await send("GET", "/api/v1/settings");
  if (!answer) return undefined;
  const { version } = await answer.json();
  if (version === settings.dataset.version) return answer.headers.get("ETag");
  tell(settings.dataset.changed);
  refresh();
  return undefined;
}

async function set(form, value) {
  const settings = form.closest(".settings");
  const tag = await current(settings);
  if (!tag) return;
  const changed = await send("PATCH", "/api/v1/settings", { [form.dataset.setting]: value }, { "If-Match": tag });
  if (!changed) return;
  const { undo } = await changed.json();
  const bar = document.getElementById("undo");
  bar.hidden = !undo;
  if (undo) {
    bar.dataset.change = undo.id;
    setTimeout(() => {
      if (bar.dataset.change === undo.id) bar.hidden = true;
    }, Date.parse(undo.until) - Date.now());
  }
  await shown(form);
}

// Shows the value of now in the form, also where the reader typed another.
async function shown(form) {
  const input = form.elements.value;
  await refresh();
  const now = document.getElementById(input.id);
  if (now.type === "password") now.value = "";
  else if (now.matches("input")) now.value = now.defaultValue;
}

function typed(form) {
  const text = form.elements.value.value;
  const { kind } = form.dataset;
  return kind === "text" ? text : JSON.parse(text);
}

export function begin() {
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.act) await act(button);
    else if ("reset" in button.dataset) await set(button.form, null);
    else if ("undo" in button.dataset) {
      const bar = document.getElementById("undo");
      if (await send("POST", "/api/v1/settings/undo", { id: bar.dataset.change })) {
        bar.hidden = true;
        location.reload();
      }
    }
  });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.act) {
      event.preventDefault();
      await add(form);
    } else if (form.dataset.setting) {
      event.preventDefault();
      let value;
      try {
        value = typed(form);
      } catch {
        tell(form.closest(".settings").dataset.json);
        return;
      }
      await set(form, value);
    }
  });
}
