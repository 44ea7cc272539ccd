// An editor of dtabs: a text area, so that typing, undo and screen readers are the browser's, over the
// same text in colours.

import { h, replace } from "./dom.js";
import { plural } from "./format.js";
import { announce } from "./shell.js";
import { lines, offers } from "./syntax.js";

/** Longer texts are not coloured: that would take longer than a key press may. */
const MAX_COLOURED = 300_000;
const MAX_OFFERED = 50;

let editors = 0;

export class Editor {
  /** Wraps a text area where it is; `onChange` is told of each change of its text. */
  constructor(field, { onChange = () => {} } = {}) {
    editors += 1;
    this.id = `editor-${editors}`;
    this.onChange = onChange;
    this.words = { prefixes: [], namers: [], names: [], bound: [] };
    this.marks = [];
    this.signs = { lines: new Set(), sign: "" };
    this.drawn = [];
    this.field = field;
    this.layer = h("pre", { class: "editor-layer", "aria-hidden": "true" });
    this.numbers = h("pre", { class: "editor-lines", "aria-hidden": "true" });
    this.list = h("ul", { class: "editor-words", id: `${this.id}-words`, role: "listbox", "aria-label": "Names", hidden: true });
    const text = h("div", { class: "editor-text" }, this.layer);
    this.element = h("div", { class: "editor" }, this.numbers, text);
    field.replaceWith(this.element);
    text.append(field, this.list);
    field.setAttribute("wrap", "off");
    if (!field.readOnly) this.#listen();
    this.draw();
  }

  get text() {
    return this.field.value;
  }

  /** Puts in another text, which undo takes back. */
  set text(text) {
    if (this.field.readOnly) this.field.value = text;
    else this.put(0, this.field.value.length, text);
    this.draw();
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
    const { text } = this;
    this.marks = marks.map(({ severity, start, end }) => {
      if (start < end || text === "") return { severity, start, end };
      // What is missing is shown where it is missed: at the character before, or else behind.
      const from = start > 0 && text[start - 1] !== "\n" ? start - 1 : start;
      return { severity, start: from, end: from + 1 };
    });
    this.draw();
  }

  /** Gives these lines, counted from 0, a sign. */
  sign(numbers, sign) {
    this.signs = { lines: numbers, sign };
    this.draw();
  }

  /** Goes to a place in the text. */
  show(start, end) {
    this.field.focus();
    this.field.setSelectionRange(start, end);
    const nth = this.text.slice(0, start).split("\n").length - 1;
    this.layer.children[nth]?.scrollIntoView({ block: "nearest" });
  }

  /** Draws what has changed of the text. */
  draw() {
    const { text } = this;
    const isLong = text.length > MAX_COLOURED;
    const read = isLong ? [{ text, start: 0, isLeft: true, tokens: [] }] : lines(text);
    const now = read.map((line, nth) => this.#line(line, nth));
    const before = this.drawn;
    const least = Math.min(before.length, now.length);
    let same = 0;
    while (same < least && before[same].key === now[same].key) same += 1;
    let tail = 0;
    while (tail < least - same && before.at(-1 - tail).key === now.at(-1 - tail).key) tail += 1;
    for (const { element } of before.slice(same, before.length - tail)) element.remove();
    const next = tail > 0 ? before.at(-tail).element : null;
    now.forEach((line, nth) => {
      if (nth < same) line.element = before[nth].element;
      else if (nth >= now.length - tail) line.element = before[nth - now.length + before.length].element;
      else this.layer.insertBefore((line.element = drawn(line)), next);
    });
    this.drawn = now;
    this.#number(isLong ? text.split("\n").length : now.length);
  }

  /** A line as it is to be drawn; with the same key it looks the same. */
  #line({ text, start, isLeft, tokens }, nth) {
    const end = start + text.length;
    // A mark behind the last character of a line is drawn as a space.
    const marks = this.marks
      .filter((mark) => mark.start <= end && mark.end > start)
      .map((mark) => ({ severity: mark.severity, start: Math.max(0, mark.start - start), end: mark.end - start }));
    const isSigned = this.signs.lines.has(nth);
    const told = marks.map((mark) => `${mark.severity}${mark.start}-${mark.end}`);
    return { key: `${isLeft}${isSigned}${told}|${text}`, text, tokens, marks, isSigned, element: null };
  }

  #number(count) {
    const { lines: signed, sign } = this.signs;
    const numbers = Array.from({ length: count }, (_, nth) => (signed.has(nth) ? `${sign} ${nth + 1}` : nth + 1));
    const text = numbers.join("\n");
    if (this.numbers.textContent !== text) replace(this.numbers, text);
  }

  #listen() {
    const { field, list } = this;
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", list.id);
    field.addEventListener("input", (event) => this.#changed(event));
    field.addEventListener("keydown", (event) => this.#key(event));
    field.addEventListener("blur", () => this.#close());
    field.addEventListener("click", () => this.#close());
    // The value is put back after the event.
    field.form?.addEventListener("reset", () => setTimeout(() => this.#changed({})));
    // Otherwise the field would lose the focus, and the list with it be gone.
    list.addEventListener("pointerdown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const at = [...list.children].indexOf(event.target.closest("li"));
      if (at >= 0) this.#take(at);
    });
  }

  #changed(event) {
    // They were of the text before.
    this.marks = [];
    this.draw();
    this.onChange();
    if (event.inputType === "insertText" && event.data === "/") this.#offer(false);
    else if (!this.list.hidden) this.#offer(this.active >= 0);
  }

  #key(event) {
    if (event.key === " " && event.ctrlKey) {
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
    event.stopPropagation();
  }

  /** Lists what begins as the name before the caret does. */
  #offer(isAsked) {
    const caret = this.field.selectionStart;
    const { name, offered } = offers(this.text, caret, this.words, MAX_OFFERED);
    if (offered.length === 0) {
      if (isAsked) announce("No name begins like this");
      this.#close();
      return;
    }
    this.typed = name;
    const item = ({ word, kind }, nth) =>
      h(
        "li",
        { id: `${this.id}-word-${nth}`, role: "option", "aria-selected": "false", data: { word } },
        h("span", null, word),
        h("span", { class: "muted small" }, ` ${kind}`),
      );
    replace(this.list, offered.map(item));
    this.list.hidden = false;
    this.active = -1;
    this.#place(caret - name.length);
    if (isAsked) this.#choose(0);
    announce(`${plural(offered.length, "name")} to choose from with the arrow keys`);
  }

  /** Puts the list below a place in the text. */
  #place(at) {
    const before = this.text.slice(0, at);
    const line = this.layer.children[before.split("\n").length - 1];
    if (!line) return;
    const row = line.getBoundingClientRect();
    const around = this.layer.parentElement.getBoundingClientRect();
    const column = at - before.lastIndexOf("\n") - 1;
    const padding = parseFloat(getComputedStyle(this.layer).paddingLeft);
    const left = padding + column * this.#characterWidth();
    const room = this.element.clientWidth + this.element.scrollLeft - this.numbers.offsetWidth - this.list.offsetWidth - 8;
    this.list.style.left = `${Math.max(0, Math.min(left, room))}px`;
    this.list.style.top = `${row.bottom - around.top + 2}px`;
    this.list.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #characterWidth() {
    const probe = h("span", null, "0".repeat(50));
    this.layer.append(probe);
    const { width } = probe.getBoundingClientRect();
    probe.remove();
    return width / 50;
  }

  #choose(at) {
    this.active = at;
    [...this.list.children].forEach((item, nth) => item.setAttribute("aria-selected", String(nth === at)));
    this.list.children[at].scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", this.list.children[at].id);
  }

  #take(at) {
    const { word } = this.list.children[at].dataset;
    const caret = this.field.selectionStart;
    this.#close();
    this.put(caret - this.typed.length, caret, word);
  }

  #close() {
    this.list.hidden = true;
    this.active = -1;
    this.field.removeAttribute("aria-activedescendant");
  }
}

/** A line in colours. */
function drawn({ text, tokens, marks, isSigned }) {
  const shown = marks.some(({ end }) => end > text.length) ? `${text} ` : text;
  const cuts = new Set([0, shown.length]);
  for (const { start, end } of [...tokens, ...marks]) cuts.add(start).add(Math.min(end, shown.length));
  const at = [...cuts].sort((one, other) => one - other);
  const pieces = [];
  for (let nth = 0; nth + 1 < at.length; nth += 1) {
    const [start, end] = [at[nth], at[nth + 1]];
    const covers = (one) => one.start <= start && one.end >= end;
    const token = tokens.find(covers);
    const mark = marks.find(covers);
    const piece = shown.slice(start, end);
    pieces.push(token || mark ? h("span", { class: token?.kind, "data-severity": mark?.severity }, piece) : piece);
  }
  // A line without anything has its height by this.
  return h("div", { class: isSigned && "signed" }, pieces.length > 0 ? pieces : "\u200b");
}
