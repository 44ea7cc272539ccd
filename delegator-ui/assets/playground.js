// The playground: findings about a table as it is typed, what it would change, and where a name would
// go. Nothing is applied.

import { Comparison } from "./compare.js";
import { clean } from "./delegation.js";
import { byId, h, replace } from "./dom.js";
import { Editor } from "./editor.js";
import { count, plural } from "./format.js";
import { renderSteps } from "./rows.js";
import { announce, copy, toast } from "./shell.js";
import { changedLines } from "./syntax.js";

const KEPT = "playground";
/** How long nothing is typed before it is asked for findings. */
const PAUSE = 200;
/** Tables longer than this are not put into a link. */
const MAX_LINKED = 4000;
/** More findings than this are counted. */
const MAX_FINDINGS = 100;
/** What is asked with instead of nothing, which would be the router's own table. */
const NOTHING = "# nothing";

const form = byId("playground");
const router = byId("router");
const names = byId("names");
const path = byId("path");
const findings = byId("findings");
const way = byId("way");
const own = new Editor(byId("own"));
const editor = new Editor(byId("dtab"), { onChange: changed });
const comparison = new Comparison({ editor, router, onTry: tryName, maxLinked: MAX_LINKED });
const openTable = h("input", { type: "file", hidden: true });
const format = button("Format", () => (editor.text = formatted));
let formatted = null;
let isRight = true;
let typing = null;
let asking = null;
let trying = null;
let found = [];

setUp();

function setUp() {
  byId("own-tools").append(button("Begin anew with it", () => (editor.text = own.text)));
  byId("table-tools").append(
    format,
    button("Open…", () => openTable.click()),
    button("Save", () => save("table.dtab", editor.text)),
    button("Copy link", copyLink),
    openTable,
  );
  byId("editor-hint").append(" ", h("kbd", null, "Ctrl Space"), " offers names, ", h("kbd", null, "F8"), " goes to the next finding.");
  openTable.addEventListener("change", async () => {
    const [chosen] = openTable.files;
    const text = await chosen?.text();
    openTable.value = "";
    if (text !== undefined) editor.text = text.replaceAll("\r\n", "\n");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tryName(path.value);
  });
  names.addEventListener("input", keep);
  path.addEventListener("input", () => tryName(path.value, PAUSE));
  editor.field.addEventListener("keydown", (event) => {
    if (event.key !== "F8") return;
    event.preventDefault();
    nextFinding(event.shiftKey ? -1 : 1);
  });
  router.addEventListener("change", () => {
    keep();
    loadRouter();
  });
  restore();
  loadRouter();
  check();
}

function button(label, run) {
  return h("button", { type: "button", on: { click: run } }, label);
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function keep() {
  try {
    const kept = { router: router.value, text: editor.text, names: names.value, path: path.value, own: own.text };
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
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
    names.value ||= kept.names;
    path.value ||= kept.path;
    // What has not been changed follows the router's table.
    if (kept.text === kept.own) return;
    editor.field.value = kept.text;
    editor.draw();
  } catch {
    // The router's own table is there.
  }
}

function copyLink() {
  if (editor.text.length > MAX_LINKED) {
    toast("This table is too long for a link: save it instead", { status: "warn" });
    return;
  }
  const params = new URLSearchParams({ router: router.value, dtab: editor.text });
  if (path.value.trim()) params.set("path", path.value.trim());
  copy(`${location.origin}/playground?${params}`, "a link to this table");
}

function changed() {
  keep();
  formatted = null;
  format.disabled = true;
  clearTimeout(typing);
  typing = setTimeout(check, PAUSE);
}

/** Marks the lines that only one of the tables has. */
function showChanged() {
  const { removed, added } = changedLines(own.text, editor.text);
  own.sign(removed, "−");
  editor.sign(added, "+");
}

async function ask(to, params, signal) {
  const response = await fetch(to, { method: "POST", body: new URLSearchParams(params), signal });
  if (!response.ok) throw new Error((await response.text()).trim() || `The router answers ${response.status}.`);
  return response.json();
}

async function check() {
  asking?.abort();
  asking = new AbortController();
  const { text } = editor;
  showChanged();
  try {
    const answer = await ask("/dtab/check.json", { dtab: text }, asking.signal);
    if (editor.text !== text) return;
    formatted = answer.formatted;
    format.disabled = formatted === null || formatted === text;
    isRight = answer.ok;
    found = answer.diagnostics;
    editor.mark(found.slice(0, MAX_FINDINGS));
    editor.field.setAttribute("aria-invalid", String(!isRight));
    showFindings(text);
    if (isRight) comparison.compare();
    else comparison.wait();
    tryName(path.value);
  } catch (error) {
    if (error.name !== "AbortError") replace(findings, notice("bad", error.message));
  }
}

function showFindings(text) {
  const before = findings.textContent;
  if (found.length === 0) replace(findings, chip("ok", "nothing wrong"));
  else {
    const more = found.length - MAX_FINDINGS;
    const list = h("ul", { class: "findings" }, found.slice(0, MAX_FINDINGS).map((one) => finding(one, text)));
    replace(findings, list, more > 0 && h("p", { class: "muted" }, `and ${count(more)} more`));
  }
  if (findings.textContent === before) return;
  announce(found.length === 0 ? "Nothing wrong" : plural(found.length, "finding"));
}

function finding({ code, severity, message, help, line, column, start, end, labels, fixes }, text) {
  const place = h("button", { type: "button", class: "quiet", on: { click: () => editor.show(start, end) } }, `line ${line}, column ${column}`);
  const mend = (one) => {
    // Of another text than was looked at nothing is known.
    if (editor.text === text) editor.put(one.start, one.end, one.replacement);
  };
  const more = labels.map((label) => label.text).filter((words) => words && words !== message && words !== help);
  return h(
    "li",
    null,
    h("div", { class: "row-wrap" }, chip(severity === "error" ? "bad" : "warn", severity), h("code", { class: "muted" }, code), place),
    h("p", null, quoted(message)),
    more.map((words) => h("p", { class: "muted small" }, quoted(words))),
    help && h("p", { class: "muted small" }, quoted(help)),
    fixes.length > 0 && h("div", { class: "actions" }, fixes.map((one) => button(`Fix: ${clean(one.label)}`, () => mend(one)))),
  );
}

/** A sentence with what stands in backquotes as code. */
function quoted(words) {
  return clean(words)
    .split(/`([^`]+)`/)
    .map((part, nth) => (nth % 2 === 1 ? h("code", null, part) : part));
}

/** Goes to the next finding behind the caret, or to the first one. */
function nextFinding(step) {
  const caret = editor.field.selectionStart;
  const order = step > 0 ? found : [...found].reverse();
  const next = order.find(({ start }) => (step > 0 ? start > caret : start < caret)) ?? order[0];
  if (!next) {
    announce("Nothing wrong");
    return;
  }
  editor.show(next.start, next.end);
  announce(clean(next.message));
}

/** What the router has, and knows. */
async function loadRouter() {
  try {
    const asked = new URLSearchParams({ router: router.value });
    const [routers, words] = await Promise.all([
      (await fetch("/routers.json")).json(),
      (await fetch(`/dtab/words.json?${asked}`)).json(),
    ]);
    const table = routers.find(({ label }) => label === router.value);
    const text = (table?.written ?? table?.dtab ?? "").trimEnd();
    const isUnchanged = editor.text === own.text;
    own.text = text === "" ? "" : `${text}\n`;
    if (isUnchanged && editor.text !== own.text) {
      editor.field.value = own.text;
      editor.draw();
      changed();
    }
    editor.words = words;
    replace(byId("known"), words.names.map((value) => h("option", { value })));
    comparison.know(words.names);
    showChanged();
    if (isRight) comparison.compare();
  } catch {
    // One types as well without them.
  }
}

/** Shows where a name goes by the table as it is typed, after a pause. */
function tryName(name, pause = 0) {
  if (path.value !== name) path.value = name;
  keep();
  clearTimeout(trying);
  trying = setTimeout(() => resolve(name.trim()), pause);
}

async function resolve(name) {
  if (name === "") {
    replace(way);
    return;
  }
  if (!isRight) {
    replace(way, notice("info", "The table has to be right before a name can go by it."));
    return;
  }
  const asked = { router: router.value, path: name };
  const base = editor.text.trim() === "" ? NOTHING : editor.text;
  try {
    const answers = [ask("/delegation.json", asked), ask("/delegation.json", { ...asked, base })];
    const [now, then] = await Promise.all(answers);
    if (path.value.trim() === name) showWay(now, then);
  } catch (error) {
    replace(way, wrong(error.message));
  }
}

function showWay(now, then) {
  const side = (title, answer) =>
    h(
      "section",
      { class: "way-side", "aria-label": title },
      h("h3", null, title),
      h("p", { class: "way-told" }, clean(answer.summary)),
      renderSteps(answer.steps, answer.clients),
    );
  replace(way, h("div", { class: "way-sides" }, side("By the router’s table", now), side("By your table", then)));
}

function wrong(words) {
  // A mistake is drawn below its line: the columns matter.
  return words.includes("\n") ? h("pre", { class: "code" }, words) : notice("bad", words);
}

function chip(status, word) {
  return h("span", { class: "chip", data: { status } }, word);
}

function notice(status, words) {
  return h("p", { class: "notice", data: { status } }, words);
}
