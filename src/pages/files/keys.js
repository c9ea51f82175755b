// Keys: / searches, g and a letter goes to a page, arrows move in tables, ? lists the keys.
const PLACES = { o: "/overview", t: "/telephones", c: "/clients", l: "/log", s: "/server" };

export function keys() {
  let going = false;
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select, textarea")) return;
    if (going && PLACES[key]) location.assign(PLACES[key]);
    going = key === "g";
    if (key === "/") {
      const search = document.getElementById("q");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    } else if (key === "?") {
      document.getElementById("keys").showModal();
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      const row = target.closest("tbody tr");
      const next = key === "ArrowDown" ? row?.nextElementSibling : row?.previousElementSibling;
      const link = next?.querySelector("a");
      if (link) {
        event.preventDefault();
        link.focus();
      }
    }
  });
}
