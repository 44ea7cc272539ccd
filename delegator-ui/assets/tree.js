// The tree in rows: nested lists that are walked as the tree pattern of WAI-ARIA has it, brought up
// to date in place, so that focus, scroll position and what is folded stay when it changes.

import { entry, placeInWords, read, socket, walk } from "./delegation.js";
import { h, reconcile, replace } from "./dom.js";
import { itemClass, rowParts } from "./rows.js";

/** Trees with more steps than this begin with what is not needed folded. */
const MANY = 200;
/** How much of the left of a row folds it. */
const TWIST_WIDTH = 24;

/** A tree that is folded, searched and walked. */
export class Tree {
  /** `onSelect(node)` is told which step has the focus. */
  constructor({ onSelect = () => {} } = {}) {
    this.element = h("ul", {
      class: "tree",
      role: "tree",
      "aria-label": "Steps of the resolution",
      on: {
        keydown: (event) => this.#key(event),
        click: (event) => this.#click(event),
        focusin: (event) => this.#focused(event.target.closest("li")?.reconcileKey),
      },
    });
    this.onSelect = onSelect;
    this.root = null;
    this.clients = {};
    /** What a person has folded or unfolded, by key; the rest is as `#isOpen` has it. */
    this.folded = new Map();
    this.full = new Set();
    this.matches = new Set();
    this.current = null;
    this.items = new Map();
    this.active = null;
    this.typed = "";
  }

  /** Shows other steps. Returns how many differ from those that were shown under the same keys. */
  show(steps, clients = {}) {
    const before = this.nodes;
    const root = read(steps);
    const kept = this.root && root && this.root.key === root.key;
    this.root = root;
    this.clients = clients;
    const nodes = root ? walk(root) : [];
    this.nodes = new Map(nodes.map((node) => [node.key, node]));
    this.element.classList.toggle("many", nodes.length > MANY);
    let changes = 0;
    for (const node of nodes) {
      node.seen = signature(node);
      node.isChanged = Boolean(kept && before.get(node.key)?.seen !== node.seen);
      if (node.isChanged) changes += 1;
    }
    if (kept) changes += [...before.keys()].filter((key) => !this.nodes.has(key)).length;
    if (!kept) {
      this.folded.clear();
      this.full.clear();
      this.items.clear();
      this.element.replaceChildren();
      this.active = root?.key ?? null;
    }
    const hadFocus = this.element.contains(document.activeElement);
    const isGone = !this.nodes.has(this.active);
    if (isGone) this.active = this.#nearest(this.active);
    this.#draw();
    // A step that goes leaves the focus to what is above it.
    if (isGone && hadFocus) this.items.get(this.active)?.firstElementChild.focus();
    return changes;
  }

  /** Unfolds or folds everything below the root. */
  foldAll(isFolded) {
    for (const node of this.nodes?.values() ?? []) {
      if (node.children.length > 0) this.folded.set(node.key, isFolded && node !== this.root);
    }
    for (let above = this.nodes?.get(this.active)?.parent; above; above = above.parent) {
      if (!this.isOpen(above)) this.active = above.key;
    }
    this.#draw();
  }

  /** Folds what is unfolded below a step, or unfolds it. */
  toggle(node) {
    this.#fold(node, this.isOpen(node));
    this.#draw();
  }

  /** Marks the steps that have the text, and unfolds the way to them if so told; how many there are. */
  search(text, { unfold = true } = {}) {
    const wanted = text.trim().toLowerCase();
    const nodes = wanted ? [...(this.nodes?.values() ?? [])] : [];
    const found = nodes.filter((node) => searched(node).includes(wanted));
    this.matches = new Set(found.map(({ key }) => key));
    if (unfold) {
      this.current = null;
      for (const node of found) this.#unfoldTo(node);
    }
    this.#draw();
    return this.matches.size;
  }

  /** Goes on to the next match, or back; its number from 1, or 0 if there is none. */
  nextMatch(step = 1) {
    const keys = [...this.matches].filter((key) => this.nodes.has(key));
    if (keys.length === 0) return 0;
    const at = keys.indexOf(this.current);
    const next = at < 0 ? (step > 0 ? 0 : keys.length - 1) : (at + step + keys.length) % keys.length;
    this.items.get(this.current)?.firstElementChild.classList.remove("current");
    this.current = keys[next];
    this.select(this.current, { focus: false });
    this.items.get(this.current).firstElementChild.classList.add("current");
    return next + 1;
  }

  /** Makes a step the one that the keyboard acts on. */
  select(key, { focus = true } = {}) {
    const node = this.nodes?.get(key);
    if (!node) return;
    if (this.#unfoldTo(node)) this.#draw();
    const before = this.items.get(this.active);
    this.active = key;
    if (before) this.#markActive(before, false);
    const item = this.items.get(key);
    this.#markActive(item, true);
    const row = item.firstElementChild;
    if (focus) row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    this.onSelect(node);
  }

  /** Whatever has put the focus there. */
  #focused(key) {
    const item = this.items.get(key);
    if (key === this.active || !item) return;
    const before = this.items.get(this.active);
    if (before) this.#markActive(before, false);
    this.active = key;
    this.#markActive(item, true);
  }

  #markActive({ firstElementChild: row }, isActive) {
    row.tabIndex = isActive ? 0 : -1;
    row.setAttribute("aria-selected", isActive);
  }

  /** What is folded and unfolded by hand and the active step, by their numbers, for a link. */
  get folding() {
    const number = new Map([...(this.nodes?.keys() ?? [])].map((key, nth) => [key, nth]));
    const those = (wanted) =>
      [...this.folded].filter(([key, isFolded]) => isFolded === wanted && number.has(key)).map(([key]) => number.get(key));
    return { fold: those(true), unfold: those(false), step: number.get(this.active) ?? null };
  }

  /** Folds as a link says. */
  restore({ fold, unfold, step }) {
    const keys = [...(this.nodes?.keys() ?? [])];
    for (const nth of fold) if (keys[nth]) this.folded.set(keys[nth], true);
    for (const nth of unfold) if (keys[nth]) this.folded.set(keys[nth], false);
    if (keys[step]) this.active = keys[step];
    this.#draw();
  }

  #draw() {
    reconcile(
      this.element,
      this.root ? [this.root] : [],
      (node) => node.key,
      (node) => this.#create(node),
      (item, node) => this.#update(item, node, 1, 1),
    );
    for (const [key, item] of this.items) if (!item.isConnected && !this.nodes.has(key)) this.items.delete(key);
  }

  #create(node) {
    // The row is the item, not the list's element: it is named by what stands in it, and no more.
    const item = h("li", { role: "none" }, h("div", { class: "row", role: "treeitem" }));
    this.items.set(node.key, item);
    return item;
  }

  #update(item, node, position, of) {
    const [row] = item.children;
    const open = this.isOpen(node);
    const full = this.full.has(node.key);
    const client = node.bound && this.clients[node.bound.id];
    const content = `${node.seen}${client ? JSON.stringify(client) : ""}${full}`;
    if (item.content !== content) {
      item.content = content;
      replace(row, rowParts(node, this.clients, full));
    }
    const { class: names, data } = itemClass(node);
    if (item.className !== names) item.className = names;
    if (item.dataset.mark !== data.mark || item.dataset.kind !== data.kind) Object.assign(item.dataset, data);
    const standing = `${node.depth} ${position} ${of} ${open} ${node.children.length > 0}`;
    if (item.standing !== standing) {
      item.standing = standing;
      row.setAttribute("aria-level", node.depth + 1);
      row.setAttribute("aria-posinset", position);
      row.setAttribute("aria-setsize", of);
      if (node.children.length > 0) row.setAttribute("aria-expanded", open);
      else row.removeAttribute("aria-expanded");
    }
    this.#markActive(item, this.active === node.key);
    row.classList.toggle("match", this.matches.has(node.key));
    row.classList.toggle("current", this.current === node.key);
    if (node.isChanged) this.#flash(row);
    node.isChanged = false;
    this.#group(item, node, open);
  }

  /** What is folded is not built, but stays if it was. */
  #group(item, node, open) {
    let group = item.children[1];
    if (node.children.length === 0 || !open) {
      if (group) group.hidden = true;
      if (node.children.length === 0) group?.remove();
      return;
    }
    if (!group) item.append((group = h("ul", { role: "group" })));
    group.hidden = false;
    let position = 0;
    reconcile(
      group,
      node.children,
      (child) => child.key,
      (child) => this.#create(child),
      (child, of) => this.#update(child, of, (position += 1), node.children.length),
    );
  }

  #flash(row) {
    row.classList.remove("changed");
    row.addEventListener("animationend", () => row.classList.remove("changed"), { once: true });
    requestAnimationFrame(() => row.classList.add("changed"));
  }

  /** Whether what follows from a step is shown. */
  isOpen(node) {
    if (node.children.length === 0) return false;
    return !(this.folded.get(node.key) ?? (this.nodes.size > MANY && node.mark === "unused"));
  }

  #fold(node, isFolded) {
    if (node.children.length === 0 || this.isOpen(node) !== isFolded) return false;
    this.folded.set(node.key, isFolded);
    return true;
  }

  /** Unfolds what is above a step; whether anything was folded. */
  #unfoldTo(node) {
    let any = false;
    for (let above = node.parent; above; above = above.parent) any = this.#fold(above, false) || any;
    return any;
  }

  /** The nearest step above that is still there. */
  #nearest(key) {
    let at = key;
    while (at && !this.nodes.has(at)) at = at.slice(0, Math.max(0, at.lastIndexOf("\n")));
    return at || this.root?.key || null;
  }

  #visible() {
    const shown = [];
    const open = this.root ? [this.root] : [];
    while (open.length > 0) {
      const node = open.pop();
      shown.push(node);
      if (this.isOpen(node)) open.push(...[...node.children].reverse());
    }
    return shown;
  }

  #click(event) {
    const item = event.target.closest("li");
    const node = item && this.nodes.get(item.reconcileKey);
    if (!node) return;
    const row = item.firstElementChild;
    if (event.target.closest(".more")) this.#showAll(node);
    else if (event.clientX - row.getBoundingClientRect().left < TWIST_WIDTH) this.#fold(node, this.isOpen(node));
    // Whoever has selected text means to copy it.
    else if (!getSelection().isCollapsed) return;
    this.#draw();
    this.select(node.key);
  }

  #showAll(node) {
    if (this.full.has(node.key)) this.full.delete(node.key);
    else this.full.add(node.key);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const node = this.nodes?.get(this.active);
    if (!node) return;
    const go = (to) => to && this.select(to.key);
    const beside = (step) => {
      const shown = this.#visible();
      return shown[shown.indexOf(node) + step];
    };
    switch (event.key) {
      case "ArrowDown":
        go(beside(1));
        break;
      case "ArrowUp":
        go(beside(-1));
        break;
      case "ArrowRight":
        if (this.#fold(node, false)) this.#draw();
        else go(node.children[0]);
        break;
      case "ArrowLeft":
        if (this.#fold(node, true)) this.#draw();
        else go(node.parent);
        break;
      case "Home":
        go(this.root);
        break;
      case "End":
        go(this.#visible().at(-1));
        break;
      case "*":
        for (const sibling of node.parent?.children ?? [node]) this.#fold(sibling, false);
        this.#draw();
        break;
      case "Enter":
      case " ":
        if (node.children.length > 0) this.#fold(node, this.isOpen(node));
        else this.#showAll(node);
        this.#draw();
        break;
      default:
        if ([...event.key].length !== 1) return;
        this.#typeAhead(event.key, node, go);
    }
    event.preventDefault();
  }

  /** Goes to the next row whose name, or a part of it, begins with what is typed. */
  #typeAhead(key, node, go) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => (this.typed = ""), 700);
    this.typed += key.toLowerCase();
    const shown = this.#visible();
    const from = shown.indexOf(node) + (this.typed.length === 1 ? 1 : 0);
    const around = [...shown.slice(from), ...shown.slice(0, from)];
    const begins = ({ path }) => {
      const name = path.toLowerCase();
      return name.startsWith(this.typed) || name.includes(`/${this.typed}`);
    };
    go(around.find(begins));
  }
}

/** What is told of a step, to find out whether it changed. How endpoints fare is not a part. */
function signature(node) {
  const { mark, kind, probability, weight, residual, dentry, told, said, bound } = node;
  return JSON.stringify([mark, kind, probability, weight, residual, dentry, told, said, bound]);
}

function searched(node) {
  const { path, dentry, bound, said, residual } = node;
  const parts = [path, residual ?? "", ...said.map(({ words }) => words)];
  if (dentry) parts.push(entry(dentry), placeInWords(dentry), dentry.table);
  if (bound) parts.push(bound.id, ...(bound.addr.addrs ?? []).map(socket));
  return parts.join("\n").toLowerCase();
}
