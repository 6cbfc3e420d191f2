// Everything is there without this script. It adds: tables that sort, a filter of rows, the place in the contents,
// and definitions that open beside their number.

// Sort by a click on a heading: up, down, then as it was. References stay on top; cells without a number come last.
const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
const isReference = (row) => row.classList.contains("reference");

function keyOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
}

function compare(a, b, sign) {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
}

function sortBy(heading, bodies, order) {
  const direction = NEXT[heading.getAttribute("aria-sort") ?? "none"];
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  if (direction !== "none") heading.setAttribute("aria-sort", direction);
  const sign = direction === "descending" ? -1 : 1;
  const column = heading.cellIndex;
  bodies.forEach((body, place) => {
    const moved = order[place].filter((row) => !isReference(row));
    moved.sort((a, b) => compare(keyOf(a, column), keyOf(b, column), sign));
    body.append(...(direction === "none" ? order[place] : [...order[place].filter(isReference), ...moved]));
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  const bodies = [...table.tBodies];
  const order = bodies.map((body) => [...body.rows]);
  for (const heading of table.tHead.rows[0].cells) {
    const title = heading.querySelector(".title");
    if (!title) continue;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "sort" });
    title.replaceWith(button);
    button.append(title);
    button.addEventListener("click", () => sortBy(heading, bodies, order));
  }
}

// Filter: rows of which the name holds one of the words; references stay.
const filter = document.querySelector(".filter");
if (filter) {
  const named = [...document.querySelectorAll("table.sortable tbody tr:not(.reference)")]
    .map((row) => [row, row.querySelector(".name")?.textContent.toLowerCase() ?? ""]);
  const count = (rows) => new Set(rows.map(([, name]) => name)).size;
  const apply = () => {
    const words = filter.querySelector("input").value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const fits = ([, name]) => !words.length || words.some((word) => name.includes(word));
    for (const entry of named) entry[0].hidden = !fits(entry);
    const text = words.length ? `${count(named.filter(fits))} of ${count(named)} rows, and the references` : "";
    filter.querySelector("output").textContent = text;
  };
  filter.hidden = false;
  filter.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("input", apply);
  apply();
}

// Contents: folded on narrow screens, with the section in view marked; a link opens what its target lies in.
const contents = document.querySelector(".contents");
if (contents) {
  if (matchMedia("(max-width: 74.99rem)").matches) contents.open = false;
  const links = new Map([...contents.querySelectorAll("nav > ol > li > a")].map((a) => [a.hash.slice(1), a]));
  const watcher = new IntersectionObserver((entries) => {
    const seen = entries.find((entry) => entry.isIntersecting);
    if (seen) for (const [id, link] of links) link.toggleAttribute("aria-current", id === seen.target.id);
  }, { rootMargin: "-10% 0px -85% 0px" });
  for (const id of links.keys()) watcher.observe(document.getElementById(id));
  contents.classList.add("follows");
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const closed = [];
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS" && !node.open) closed.push(node);
  for (const details of closed) details.open = true;
  if (closed.length) target.scrollIntoView();
}
addEventListener("hashchange", openTarget);
openTarget();

// Definitions: without this they open in the middle; with it beside the number that asked, and on hover, too.
let asked = null; // the button that opened a card; tables share cards, and only one is open at a time
let pinned = false;

function place(card) {
  const box = asked.getBoundingClientRect();
  const left = Math.max(12, Math.min(box.left, document.documentElement.clientWidth - card.offsetWidth - 12));
  const below = box.bottom + 10 + card.offsetHeight < innerHeight;
  const top = below ? box.bottom + 10 : Math.max(12, box.top - 10 - card.offsetHeight);
  Object.assign(card.style, { inset: "auto", margin: "0", left: `${left}px`, top: `${top}px` });
}

for (const card of document.querySelectorAll(".card[popover]")) {
  card.addEventListener("toggle", (event) => { if (event.newState === "open" && asked) place(card); });
}
for (const button of document.querySelectorAll("button[popovertarget]")) {
  const card = document.getElementById(button.getAttribute("popovertarget"));
  if (!card?.showPopover) continue;
  button.addEventListener("click", () => { [asked, pinned] = [button, true]; });
  button.addEventListener("pointerenter", (event) => {
    if (event.pointerType !== "mouse" || card.matches(":popover-open")) return;
    [asked, pinned] = [button, false];
    card.showPopover();
  });
  button.addEventListener("pointerleave", () => { if (!pinned && card.matches(":popover-open")) card.hidePopover(); });
}
addEventListener("scroll", () => document.querySelectorAll(".card:popover-open").forEach((c) => c.hidePopover()), { passive: true });
