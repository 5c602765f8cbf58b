"use strict";

// Hints stand in titles, which browsers show on their own; here they move to one better tooltip.
const tip = document.getElementById("tip");
const hints = new WeakMap();
let active = null;

function takeHints(root) {
  for (const cell of root.querySelectorAll("td[title], th[title]")) {
    hints.set(cell, cell.title);
    cell.dataset.hint = "";
    cell.removeAttribute("title");
  }
  for (const title of root.querySelectorAll(".mark > title")) {
    hints.set(title.parentNode, title.textContent);
    title.remove();
  }
}

function showTip(target) {
  if (!target || !hints.has(target)) return hideTip();
  if (active === target && !tip.hidden) return;
  hideTip();
  active = target;
  target.classList.add("active");
  tip.textContent = hints.get(target);
  tip.hidden = false;
  placeTip();
}

function placeTip() {
  if (!active) return;
  const around = (active.querySelector(":scope.row > use") ?? active).getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const left = around.left + around.width / 2 - width / 2;
  const above = around.top - height - 8;
  tip.style.left = `${Math.max(8, Math.min(left, document.documentElement.clientWidth - width - 8))}px`;
  tip.style.top = `${above < 8 ? around.bottom + 8 : above}px`;
}

function hideTip() {
  active?.classList.remove("active");
  active = null;
  tip.hidden = true;
}

// Marks are small: whoever points beside one means the nearest.
const REACH = 18;

function nearestMark(drawing, x, y) {
  const matrix = drawing.getScreenCTM();
  const point = new DOMPoint(x, y).matrixTransform(matrix.inverse());
  let best = null;
  let least = REACH / matrix.a;
  for (const mark of drawing.querySelectorAll(".series:not(.off) > use.mark")) {
    const distance = Math.hypot(mark.x.baseVal.value - point.x, mark.y.baseVal.value - point.y);
    if (distance < least) [best, least] = [mark, distance];
  }
  return best;
}

function findHint(event) {
  const own = event.target.closest?.(".mark, [data-hint]");
  if (own) return own;
  const drawing = event.target.closest?.("figure .scroll > svg, figure .scroll > svg *");
  return drawing ? nearestMark(drawing.closest(".scroll").firstElementChild, event.clientX, event.clientY) : null;
}

document.addEventListener("pointermove", (event) => {
  if (event.pointerType === "mouse") showTip(findHint(event));
});
document.addEventListener("click", (event) => showTip(findHint(event)));
document.addEventListener("scroll", placeTip, { capture: true, passive: true });
document.addEventListener("focusout", hideTip);

// One stop for the tab key per chart or table; arrow keys go through what has hints in there.
function hinted(box) {
  return [...box.querySelectorAll(".series:not(.off) > .mark, [data-hint]")];
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return hideTip();
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const box = event.target.closest?.("figure svg, [data-hints]");
  if (!step || box !== event.target) return;
  const all = hinted(box);
  if (!all.length) return;
  event.preventDefault();
  const place = all.indexOf(active);
  const next = all[place < 0 ? (step > 0 ? 0 : all.length - 1) : (place + step + all.length) % all.length];
  next.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  showTip(next);
});

// Numbers first, the largest on top; cells without one stay at the end.
function compareCells(first, second) {
  const [a, b] = [first, second].map((cell) => (cell.dataset.order === undefined ? null : Number(cell.dataset.order)));
  if (a !== null && b !== null) return a - b;
  if (a !== null || b !== null) return NaN;
  return first.textContent.localeCompare(second.textContent, undefined, { numeric: true });
}

function sortTable(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const rows = [...table.tBodies[0].rows];
  const numeric = rows.some((row) => row.cells[column].dataset.order !== undefined);
  const before = header.getAttribute("aria-sort");
  const down = before ? before === "ascending" : numeric;
  rows.sort((first, second) => {
    const [a, b] = [first.cells[column], second.cells[column]];
    const order = compareCells(a, b);
    if (Number.isNaN(order)) return a.dataset.order === undefined ? 1 : -1;
    return down ? -order : order;
  });
  for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  table.tBodies[0].append(...rows);
}

function toggleSeries(button) {
  const shown = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(shown));
  const own = `.series[data-series="${button.dataset.series}"]`;
  for (const group of button.closest("figure").querySelectorAll(own)) group.classList.toggle("off", !shown);
}

for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => sortTable(button.closest("th")));
}
for (const button of document.querySelectorAll(".legend button")) {
  button.addEventListener("click", () => toggleSeries(button));
}

// Folded sections open for links to them, and for the printer.
function openLinked() {
  const folded = document.getElementById(location.hash.slice(1))?.querySelector("details");
  if (folded) folded.open = true;
}

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
addEventListener("hashchange", openLinked);

takeHints(document);
openLinked();
