// Keeps the page as the server has it: each change that it shows has the page read again, and what differs is patched.
const policy = globalThis.trustedTypes?.createPolicy("uacsta", { createHTML: (text) => text });
const language = document.documentElement.lang;
const PAUSE = 250;
let reading = false;
let again = false;
let timer;

// Times in the reader's zone.
export function localise(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const form = time.hasAttribute("data-fine")
      ? { timeStyle: "medium" }
      : { dateStyle: "medium", timeStyle: "short" };
    time.textContent = at.toLocaleString(language, form);
    time.title = time.dateTime;
  }
}

// Reads the page again, and patches what differs.
export async function refresh() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const begun = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { "Uacsta-Refresh": "1" } });
    if (answer.redirected && new URL(answer.url).pathname === "/log-on") {
      location.assign("/log-on");
      return;
    }
    const text = await answer.text();
    const read = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
    const now = read.querySelector("main");
    if (now) {
      localise(now);
      const ladder = document.getElementById("ladder");
      const follows = ladder && ladder.scrollTop + ladder.clientHeight > ladder.scrollHeight - 40;
      patch(document.querySelector("main"), now);
      if (follows) ladder.scrollTop = ladder.scrollHeight;
    }
  } catch {
    // The connection is told of elsewhere, and the page is read again with it.
  } finally {
    reading = false;
    if (again) {
      again = false;
      // A page that is costly to read is read less often.
      later(Math.max(PAUSE, 5 * (performance.now() - begun)));
    }
  }
}

function later(pause) {
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

// What the reader changed, or what stands for the connection, stays.
const OWN = new Set(["connection", "outcome", "undo"]);

function patch(old, now) {
  if (old.isEqualNode(now) || OWN.has(old.id)) return;
  for (const { name } of [...old.attributes]) {
    if (!now.hasAttribute(name) && name !== "open" && name !== "class") old.removeAttribute(name);
  }
  for (const { name, value } of now.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.matches("input, select")) return;
  const kept = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = old.firstChild;
  for (const next of [...now.childNodes]) {
    const own = next.id && kept.get(next.id);
    if (own) {
      patch(own, next);
      if (own === place) place = place.nextSibling;
      else old.insertBefore(own, place);
    } else if (place && !place.id && !next.id && place.nodeName === next.nodeName) {
      if (place.nodeType === Node.ELEMENT_NODE) patch(place, next);
      else if (place.data !== next.data) place.data = next.data;
      place = place.nextSibling;
    } else {
      old.insertBefore(document.importNode(next, true), place);
    }
  }
  while (place) {
    const rest = place.nextSibling;
    place.remove();
    place = rest;
  }
}

// Follows what the page shows, until it is left.
export function follow() {
  const main = document.querySelector("main");
  const own = main.querySelector("[data-topics]");
  const topics = (own ?? main).dataset.topics;
  const banner = document.getElementById("connection");
  const ladder = document.getElementById("ladder");
  if (ladder) ladder.scrollTop = ladder.scrollHeight;
  if (!topics) return;
  let wait = 1000;
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/api/v1/events?topics=${encodeURIComponent(topics)}`);
    socket.addEventListener("message", ({ data }) => {
      const { type } = JSON.parse(data);
      if (type === "stream.ready") {
        wait = 1000;
        banner.hidden = true;
        main.classList.remove("lost");
        later(0);
      } else if (!type.startsWith("stream.")) {
        if (reading) again = true;
        else later(PAUSE);
      }
    });
    socket.addEventListener("close", ({ code }) => {
      if (code === 4401) {
        location.assign("/log-on");
        return;
      }
      banner.textContent = banner.dataset.lost;
      banner.hidden = false;
      main.classList.add("lost");
      setTimeout(open, wait);
      wait = Math.min(wait * 2, 10000);
    });
  };
  open();
}
