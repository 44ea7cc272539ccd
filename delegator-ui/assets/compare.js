// Which names would go elsewhere by the table of the playground.

import { STATES, clean } from "./delegation.js";
import { byId, h, replace } from "./dom.js";
import { count, percent, plural } from "./format.js";
import { announce } from "./shell.js";

/** As many addresses of a destination are shown. */
const FEW_ADDRESSES = 4;
/** How long nothing is typed before names are compared. */
const PAUSE = 300;

export class Comparison {
  /** `onTry(name)` shows where one name goes. */
  constructor({ editor, router, onTry, maxLinked }) {
    Object.assign(this, { editor, router, onTry, maxLinked });
    this.known = [];
    this.file = null;
    this.answer = null;
    this.typed = byId("names");
    this.element = byId("changes");
    this.told = h("span", { class: "muted small" });
    this.changed = h("button", { type: "button", "aria-pressed": "true" }, "Changed");
    this.all = h("button", { type: "button", "aria-pressed": "false" }, "All");
    this.inUse = h("input", { type: "checkbox", id: "in-use", checked: true });
    this.inUseLabel = h("label", { for: "in-use" }, "Names in use");
    this.chooser = h("input", { type: "file", hidden: true });
    this.fileName = h("span", { class: "small" });
    this.#setUp();
  }

  /** Names that requests use now. */
  know(known) {
    this.known = known;
    replace(this.inUseLabel, `Names in use (${count(known.length)})`);
  }

  /** Says that there is nothing to compare until the table is right. */
  wait() {
    clearTimeout(this.pause);
    this.#nothing("info", "The table has to be right before it can be compared.");
  }

  /** Compares, once nothing is typed any more. */
  compare() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.#compare(), PAUSE);
  }

  #setUp() {
    const show = (isAll) => {
      this.all.setAttribute("aria-pressed", String(isAll));
      this.changed.setAttribute("aria-pressed", String(!isAll));
      if (this.answer) this.#show();
    };
    this.all.addEventListener("click", () => show(true));
    this.changed.addEventListener("click", () => show(false));
    const which = h("div", { class: "segmented", role: "group", "aria-label": "Which names are listed" }, this.changed, this.all);
    replace(byId("changes-tools"), this.told, which);
    byId("names-hint").textContent = "One a line.";
    const open = h("button", { type: "button", on: { click: () => this.chooser.click() } }, "Open a file of names…");
    this.away = h("button", { type: "button", class: "quiet", hidden: true, on: { click: () => this.#take(null) } }, "Without it");
    const inUse = h("span", { class: "check" }, this.inUse, this.inUseLabel);
    this.typed.closest(".names-of").prepend(h("div", { class: "row-wrap" }, inUse, open, this.fileName, this.away, this.chooser));
    this.chooser.addEventListener("change", async () => {
      const [file] = this.chooser.files;
      const text = await file?.text();
      this.chooser.value = "";
      if (text !== undefined) this.#take({ name: file.name, names: names(text) });
    });
    this.inUse.addEventListener("change", () => this.compare());
    this.typed.addEventListener("input", () => this.compare());
  }

  #take(file) {
    this.file = file;
    replace(this.fileName, file && `${file.name}: ${plural(file.names.length, "name")}`);
    this.away.hidden = file === null;
    this.compare();
  }

  /** Shows a sentence in the place of the comparison. */
  #nothing(status, words) {
    this.asking?.abort();
    this.answer = null;
    replace(this.told);
    // A mistake in a table is drawn below its line: the columns matter.
    replace(this.element, words.includes("\n") ? h("pre", { class: "code" }, words) : notice(status, words));
  }

  async #compare() {
    const all = [...(this.inUse.checked ? this.known : []), ...names(this.typed.value), ...(this.file?.names ?? [])];
    const asked = [...new Set(all)];
    if (asked.length === 0) {
      this.#nothing("info", "There are no names to compare. Write some above, or open a file with one a line.");
      return;
    }
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const table = this.editor.text;
    const body = new URLSearchParams({ router: this.router.value, after: table, names: asked.join("\n") });
    this.element.setAttribute("aria-busy", "true");
    try {
      const response = await fetch("/dtab/compare.json", { method: "POST", body, signal });
      if (!response.ok) {
        this.#nothing("bad", (await response.text()).trim());
        return;
      }
      this.answer = await response.json();
      this.table = table;
      this.#show();
    } catch (error) {
      if (error.name !== "AbortError") this.#nothing("bad", "The server does not answer.");
    } finally {
      if (this.asking.signal === signal) this.element.removeAttribute("aria-busy");
    }
  }

  #show() {
    const { names: rows, changed, counted, left_out: leftOut } = this.answer;
    const more = leftOut > 0 ? `; ${count(leftOut)} more are left out` : "";
    const told = `${count(changed)} of ${plural(counted, "name")} would change${more}`;
    if (this.told.textContent !== told) {
      replace(this.told, told);
      announce(told);
    }
    const isAll = this.all.getAttribute("aria-pressed") === "true";
    const shown = isAll ? rows : rows.filter((row) => row.changed);
    if (shown.length === 0) {
      replace(this.element, notice("info", "Every name goes where it goes now."));
      return;
    }
    const head = ["Name", "Now", "By your table", "Result"].map((name) => h("th", { scope: "col" }, name));
    const table = h(
      "table",
      { class: "data cards compared" },
      h("thead", null, h("tr", null, head)),
      h("tbody", null, shown.map((row) => this.#row(row))),
    );
    replace(this.element, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "What would change" }, table));
  }

  #row({ path, changed, before, after }) {
    const asked = { router: this.router.value, path };
    const base = this.table.trim();
    const isLinked = base !== "" && base.length <= this.maxLinked;
    const name = h("button", { type: "button", class: "quiet name-button", on: { click: () => this.#try(path) } }, clean(path));
    return h(
      "tr",
      null,
      h("th", { scope: "row", "data-label": "Name" }, h("span", null, name)),
      h("td", { "data-label": "Now" }, side(before, asked, "now")),
      h("td", { "data-label": "By your table" }, side(after, isLinked ? { ...asked, base } : null, "by your table")),
      h("td", { "data-label": "Result" }, changed ? chip("warn", "changed") : chip("idle", "same")),
    );
  }

  #try(path) {
    this.onTry(path);
    byId("path").focus();
  }
}

/** Where a name goes, with a link to every step. */
function side({ state, summary, leaves }, asked, of) {
  const [status, word] = STATES[state] ?? ["idle", state];
  const leaf = ({ bound, residual, probability, addresses }) =>
    h(
      "div",
      null,
      probability < 1 && h("span", { class: "nowrap" }, `${percent(probability)} `),
      h("span", { class: "path" }, clean(bound)),
      residual && h("span", { class: "muted small" }, ` residual ${clean(residual)}`),
      h("div", { class: "muted small" }, addressed(addresses)),
    );
  const which = h("span", { class: "visually-hidden" }, asked && ` of ${clean(asked.path)} ${of}`);
  const tree = asked && h("a", { class: "small", href: `/delegator?${new URLSearchParams(asked)}` }, "every step", which);
  return h(
    "div",
    { class: "destination" },
    h("div", { class: "row-wrap" }, chip(status, word), tree),
    leaves.length > 0 ? leaves.map(leaf) : h("div", { class: "muted small" }, clean(summary)),
  );
}

function addressed(addresses) {
  if (addresses.length === 0) return "no address";
  const more = addresses.length - FEW_ADDRESSES;
  return `${addresses.slice(0, FEW_ADDRESSES).join(", ")}${more > 0 ? ` and ${count(more)} more` : ""}`;
}

/** The names of a text, one a line. */
function names(text) {
  const all = text.split("\n").map((line) => line.trim());
  return all.filter((line) => line !== "" && !line.startsWith("#"));
}

function chip(status, word) {
  return h("span", { class: "chip", data: { status } }, word);
}

function notice(status, words) {
  return h("p", { class: "notice", data: { status } }, words);
}
