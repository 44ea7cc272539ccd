// The configuration as it runs: search in it, and copy it.

import { byId, h, replace } from "./dom.js";
import { announce, copy } from "./shell.js";
import { plural } from "./format.js";

const code = byId("configuration");
const lines = [...code.querySelectorAll(".line")];
let found = [];
let at = -1;

const search = h("input", { type: "search", id: "search", placeholder: "Search", "aria-label": "Search in the configuration", autocomplete: "off", spellcheck: "false" });
const tally = h("span", { class: "muted nowrap", role: "status" });
const step = (label, by) => h("button", { type: "button", "aria-label": label, title: label, disabled: true, on: { click: () => move(by) } }, by < 0 ? "↑" : "↓");
const back = step("Match before", -1);
const next = step("Next match", 1);
const copied = h("button", { type: "button", on: { click: () => copy(code.textContent, "the configuration") } }, "Copy");
replace(byId("config-bar"), search, back, next, tally, copied);

function find() {
  const wanted = search.value.trim().toLowerCase();
  found = wanted ? lines.filter((line) => line.textContent.toLowerCase().includes(wanted)) : [];
  for (const line of lines) line.classList.toggle("match", found.includes(line));
  back.disabled = next.disabled = found.length === 0;
  at = -1;
  replace(tally, wanted ? plural(found.length, "line") : "");
  if (found.length > 0) move(1);
  else mark();
}

function move(by) {
  at = (at + by + found.length) % found.length;
  mark();
  found[at].scrollIntoView({ block: "center" });
  replace(tally, `${at + 1} of ${found.length}`);
  announce(found[at].textContent.trim());
}

function mark() {
  lines.forEach((line) => line.classList.toggle("current", line === found[at]));
}

search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || found.length === 0) return;
  event.preventDefault();
  move(event.shiftKey ? -1 : 1);
});
search.value = new URL(location.href).searchParams.get("q") ?? "";
if (search.value) find();
