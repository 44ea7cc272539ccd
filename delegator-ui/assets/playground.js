// The playground: findings about a table as it is typed, and what it would change. Nothing is applied.

import { clean } from "./delegation.js";
import { byId, h, replace } from "./dom.js";
import { Editor } from "./editor.js";
import { count, plural } from "./format.js";
import { announce, toast } from "./shell.js";

const KEPT = "playground";
/** How long nothing is typed before it is asked for findings. */
const PAUSE = 200;
/** Tables longer than this are not put into a link. */
const MAX_LINKED = 4000;
/** More findings than this are counted. */
const MAX_FINDINGS = 100;

const form = byId("playground");
const router = byId("router");
const names = byId("names");
const findings = byId("findings");
const changes = byId("changes");
const editor = new Editor(byId("editor"), { onChange: changed });
const format = button("Format", () => (editor.text = formatted));
let formatted = null;
let typing = null;
let asking = null;

const openTable = file((text) => (editor.text = text));
const openNames = file((text) => {
  names.value = text;
  keep();
});
byId("table-tools").append(
  button("Load the router’s table", loadOwn),
  format,
  button("Open…", () => openTable.click()),
  button("Save", () => save("table.dtab", editor.text)),
  openTable,
);
byId("changes-tools").prepend(button("Open names…", () => openNames.click()), openNames);
byId("editor-hint").append(" Ctrl-Space offers names.");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  compare();
});
names.addEventListener("input", keep);
router.addEventListener("change", () => {
  keep();
  loadWords();
});
restore();
loadWords();
check();

function button(label, run) {
  return h("button", { type: "button", on: { click: run } }, label);
}

/** What a button opens: the text of a file. */
function file(take) {
  const field = h("input", { type: "file", hidden: true });
  field.addEventListener("change", async () => {
    const [chosen] = field.files;
    field.value = "";
    if (chosen) take((await chosen.text()).replaceAll("\r\n", "\n"));
  });
  return field;
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ router: router.value, text: editor.text, names: names.value }));
  } catch {
    // Then it is gone with the page.
  }
}

/** Goes on with what was typed before, unless the page has come with a text that was sent. */
function restore() {
  if (form.dataset.tried) return;
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (!kept) return;
    if ([...router.options].some((option) => option.value === kept.router)) router.value = kept.router;
    names.value = kept.names;
    editor.field.value = kept.text;
    editor.mark([]);
  } catch {
    // The router's own table is there.
  }
}

function changed() {
  keep();
  formatted = null;
  format.disabled = true;
  clearTimeout(typing);
  typing = setTimeout(check, PAUSE);
}

async function ask(path, params, signal) {
  const response = await fetch(path, { method: "POST", body: new URLSearchParams(params), signal });
  if (!response.ok) throw new Error((await response.text()).trim() || `The router answers ${response.status}.`);
  return response.json();
}

async function check() {
  asking?.abort();
  asking = new AbortController();
  const { text } = editor;
  try {
    const found = await ask("/dtab/check.json", { dtab: text }, asking.signal);
    if (editor.text !== text) return;
    formatted = found.formatted;
    format.disabled = formatted === null || formatted === text;
    editor.mark(found.diagnostics.slice(0, MAX_FINDINGS));
    showFindings(found.diagnostics, text);
  } catch (error) {
    if (error.name !== "AbortError") replace(findings, notice("bad", error.message));
  }
}

function showFindings(diagnostics, text) {
  const before = findings.textContent;
  if (diagnostics.length === 0) replace(findings, chip("ok", "nothing wrong"));
  else {
    const more = diagnostics.length - MAX_FINDINGS;
    replace(
      findings,
      h("ul", { class: "findings" }, diagnostics.slice(0, MAX_FINDINGS).map((one) => finding(one, text))),
      more > 0 && h("p", { class: "muted" }, `and ${count(more)} more`),
    );
  }
  if (findings.textContent === before) return;
  announce(diagnostics.length === 0 ? "Nothing wrong" : plural(diagnostics.length, "finding"));
}

function finding({ code, severity, message, help, line, column, start, end, fixes }, text) {
  const place = h("button", { type: "button", class: "quiet", on: { click: () => editor.show(start, end) } }, `line ${line}, column ${column}`);
  // Of another text than was looked at nothing is known.
  const fix = (one) => button(`Fix: ${clean(one.label)}`, () => editor.text === text && editor.put(one.start, one.end, one.replacement));
  return h(
    "li",
    null,
    chip(severity === "error" ? "bad" : "warn", severity),
    h("code", null, code),
    place,
    h("span", { class: "finding-words" }, clean(message), help && [h("br"), h("span", { class: "muted small" }, clean(help))]),
    fixes.map(fix),
  );
}

async function loadOwn() {
  try {
    const routers = await (await fetch("/routers.json")).json();
    const own = routers.find(({ label }) => label === router.value)?.dtab ?? "";
    editor.text = (await ask("/dtab/check.json", { dtab: own })).formatted ?? own;
  } catch (error) {
    toast(`The table is not there: ${error.message}`, { status: "bad" });
  }
}

async function loadWords() {
  try {
    const response = await fetch(`/dtab/words.json?${new URLSearchParams({ router: router.value })}`);
    if (response.ok) editor.words = await response.json();
  } catch {
    // One types as well without them.
  }
}

async function compare() {
  const params = { router: router.value, after: editor.text, names: names.value };
  changes.setAttribute("aria-busy", "true");
  try {
    showChanges(await ask("/dtab/compare.json", params), params);
  } catch (error) {
    const words = error.message;
    // A mistake in a dtab is drawn below its line: the columns matter.
    replace(changes, words.includes("\n") ? h("pre", { class: "code" }, words) : notice("bad", words));
  } finally {
    changes.removeAttribute("aria-busy");
  }
}

function showChanges(compared, { router: label, after: base }) {
  if (compared.names.length === 0) {
    replace(changes, notice("info", "No name is in use: write some above."));
    return;
  }
  const more = compared.left_out > 0 ? `; ${count(compared.left_out)} more are left out` : "";
  const told = `${count(compared.changed)} of ${count(compared.counted)} would change${more}`;
  const link = (params, { summary }) => h("a", { href: `/delegator?${new URLSearchParams(params)}` }, clean(summary));
  const row = ({ path, changed: isChanged, before, after }) => {
    const asked = { router: label, path };
    const isLinked = base.trim() !== "" && base.length <= MAX_LINKED;
    return h(
      "tr",
      null,
      h("th", { scope: "row", "data-label": "Name" }, h("span", { class: "path" }, clean(path))),
      h("td", { "data-label": "Result" }, isChanged ? chip("warn", "changed") : chip("ok", "same")),
      h("td", { "data-label": "Before" }, link(asked, before)),
      h("td", { "data-label": "After" }, isLinked ? link({ ...asked, base }, after) : clean(after.summary)),
    );
  };
  const head = ["Name", "Result", "Before", "After"].map((name) => h("th", { scope: "col" }, name));
  const table = h("table", { class: "data cards" }, h("thead", null, h("tr", null, head)), h("tbody", null, compared.names.map(row)));
  replace(
    changes,
    h("p", { class: "changes-told" }, told),
    h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "What would change" }, table),
  );
}

function chip(status, word) {
  return h("span", { class: "chip", data: { status } }, word);
}

function notice(status, words) {
  return h("p", { class: "notice", data: { status } }, words);
}
