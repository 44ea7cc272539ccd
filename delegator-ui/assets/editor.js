// An editor of dtabs: a text area, so that typing, undo and screen readers are the browser's, over the
// same text in colours.

import { h, replace } from "./dom.js";
import { plural } from "./format.js";
import { announce } from "./shell.js";

/** Longer texts are not coloured: that would take longer than a key press may. */
const MAX_COLOURED = 60_000;
const MAX_WORDS = 50;

const TOKEN = /(#[^\n]*)|(=>?)|((?:\/(?:\*|[0-9A-Za-z_:.#$%\\-]*))+)|(\d+\.?\d*|\.\d+)|([|&*();!~$])/g;
const WORD = /(?:\/(?:\*|[0-9A-Za-z_:.#$%\\-]*))+$/;

/** The tokens of a dtab that have a colour: `{kind, start, end}`. */
export function tokens(text) {
  const found = [];
  let isLeft = true;
  for (const match of text.matchAll(TOKEN)) {
    const [all, comment, arrow, path, weight, operator] = match;
    if (arrow) isLeft = false;
    if (operator === ";") isLeft = true;
    const kind =
      (comment && "comment") ||
      (arrow && "arrow") ||
      (path && (isLeft ? "prefix" : "name")) ||
      (weight && "weight") ||
      "operator";
    found.push({ kind, start: match.index, end: match.index + all.length });
  }
  return found;
}

export class Editor {
  /** Takes the place of `holder`'s text area; `onChange` is told of each change of the text. */
  constructor(holder, { onChange }) {
    this.onChange = onChange;
    this.words = { prefixes: [], namers: [], names: [], bound: [] };
    this.marks = [];
    this.field = holder.querySelector("textarea");
    this.layer = h("pre", { class: "editor-layer", "aria-hidden": "true" });
    this.lines = h("pre", { class: "editor-lines", "aria-hidden": "true" });
    this.list = h("ul", { class: "editor-words", id: "editor-words", role: "listbox", "aria-label": "Names", hidden: true });
    this.field.setAttribute("aria-autocomplete", "list");
    this.field.setAttribute("aria-controls", "editor-words");
    this.field.setAttribute("wrap", "off");
    const text = h("div", { class: "editor-text" }, this.layer, this.field, this.list);
    replace(holder, this.lines, text);
    holder.classList.add("editor");
    this.field.addEventListener("input", (event) => this.#changed(event));
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("blur", () => this.#close());
    this.field.addEventListener("click", () => this.#close());
    // Otherwise the field would lose the focus, and the list with it be gone.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const at = [...this.list.children].indexOf(event.target.closest("li"));
      if (at >= 0) this.#take(at);
    });
    this.#draw();
  }

  get text() {
    return this.field.value;
  }

  /** Puts in another text, which undo takes back. */
  set text(text) {
    this.put(0, this.field.value.length, text);
  }

  /** Puts a text in the place of a part, which undo takes back. */
  put(start, end, text) {
    const { field } = this;
    if (field.value.slice(start, end) === text) return;
    field.focus();
    field.setSelectionRange(start, end);
    const isDone = text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text);
    if (isDone) return;
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new Event("input"));
  }

  /** Underlines these parts: `{severity, start, end}`. */
  mark(marks) {
    const last = this.text.length;
    this.marks = marks.map(({ severity, start, end }) =>
      // What is missing is shown where it is missed.
      start < end ? { severity, start, end } : { severity, start: Math.min(start, last - 1), end: Math.min(start, last - 1) + 1 },
    );
    this.#draw();
  }

  /** Goes to a place in the text. */
  show(start, end) {
    this.field.focus();
    this.field.setSelectionRange(start, end);
    const line = this.text.slice(0, start).split("\n").length - 1;
    const holder = this.lines.parentElement;
    const height = this.lines.scrollHeight / Math.max(1, this.count);
    holder.scrollTop = Math.max(0, line * height - holder.clientHeight / 2);
  }

  #changed(event) {
    // They were of the text before.
    this.marks = [];
    this.#draw();
    this.onChange();
    if (event.inputType === "insertText" && event.data === "/") this.#offer(false);
    else if (!this.list.hidden) this.#offer(this.active >= 0);
  }

  #draw() {
    const { text } = this;
    this.count = text.split("\n").length;
    replace(this.lines, Array.from({ length: this.count }, (_, nth) => nth + 1).join("\n"));
    const isLong = text.length > MAX_COLOURED;
    const parts = isLong ? [] : tokens(text);
    const cuts = new Set([0, text.length]);
    for (const { start, end } of [...parts, ...this.marks]) cuts.add(start).add(end);
    const at = [...cuts].filter((cut) => cut >= 0 && cut <= text.length).sort((one, other) => one - other);
    let part = 0;
    const drawn = [];
    for (let nth = 0; nth + 1 < at.length; nth += 1) {
      const [start, end] = [at[nth], at[nth + 1]];
      while (part < parts.length && parts[part].end <= start) part += 1;
      const kind = parts[part]?.start <= start ? parts[part].kind : null;
      const mark = this.marks.find((one) => one.start <= start && one.end >= end);
      const piece = text.slice(start, end);
      drawn.push(kind || mark ? h("span", { class: kind, "data-severity": mark?.severity }, piece) : piece);
    }
    // A line that is empty at the end has its height by this.
    replace(this.layer, drawn, "\n");
  }

  #key(event) {
    if (event.key === " " && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.#offer(true);
      return;
    }
    if (this.list.hidden || event.ctrlKey || event.altKey || event.metaKey) return;
    const count = this.list.childElementCount;
    if (event.key === "ArrowDown") this.#choose((this.active + 1) % count);
    else if (event.key === "ArrowUp") this.#choose((Math.max(this.active, 0) + count - 1) % count);
    else if (event.key === "Escape") this.#close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.active >= 0) this.#take(this.active);
    else {
      if (/^(Enter|Tab|Arrow|Home|End|Page)/.test(event.key)) this.#close();
      return;
    }
    event.preventDefault();
  }

  /** Lists what begins as the name before the caret does. */
  #offer(isAsked) {
    const caret = this.field.selectionStart;
    const before = this.text.slice(0, caret);
    const parts = this.text.length > MAX_COLOURED ? [] : tokens(before);
    const last = parts.at(-1);
    if (last?.kind === "comment" && last.end === caret) return this.#close();
    const word = WORD.exec(before.slice(-1000))?.[0] ?? "";
    const { prefixes, namers, names, bound } = this.words;
    const left = before.lastIndexOf(";") >= before.lastIndexOf("=>");
    const all = new Set(left ? [...prefixes, ...names] : [...namers, ...bound, ...names, ...prefixes]);
    const fitting = [...all].filter((one) => one.startsWith(word) && one !== word).slice(0, MAX_WORDS);
    if (fitting.length === 0) {
      if (isAsked) announce("No name begins like this");
      return this.#close();
    }
    this.typed = word;
    const item = (name, nth) => h("li", { id: `editor-word-${nth}`, role: "option", "aria-selected": "false" }, name);
    replace(this.list, fitting.map(item));
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n") - 1 - word.length;
    this.list.style.top = `calc(${line} * var(--line) + 10px)`;
    this.list.style.left = `calc(${column}ch + 4px)`;
    this.list.hidden = false;
    this.active = -1;
    if (isAsked) this.#choose(0);
    this.list.scrollIntoView({ block: "nearest", inline: "nearest" });
    announce(`${plural(fitting.length, "name")} to choose from with the arrow keys`);
  }

  #choose(at) {
    this.active = at;
    [...this.list.children].forEach((item, nth) => item.setAttribute("aria-selected", String(nth === at)));
    this.list.children[at].scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", `editor-word-${at}`);
  }

  #take(at) {
    const name = this.list.children[at].textContent;
    const caret = this.field.selectionStart;
    this.#close();
    this.put(caret - this.typed.length, caret, name);
  }

  #close() {
    this.list.hidden = true;
    this.active = -1;
    this.field.removeAttribute("aria-activedescendant");
  }
}
