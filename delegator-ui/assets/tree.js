// The tree in rows: nested lists that are walked as the tree pattern of WAI-ARIA has it, brought up
// to date in place, so that focus, scroll position and what is folded stay when it changes.

import {
  MARKS,
  addressInWords,
  addressWeight,
  clean,
  entry,
  placeInWords,
  read,
  socket,
  walk,
  weightInWords,
} from "./delegation.js";
import { h, reconcile, replace, s } from "./dom.js";
import { age, duration, percent, plural } from "./format.js";

/** Trees with more steps than this begin with what is not needed folded. */
const MANY = 200;
/** More addresses than this are shown on demand. */
const FEW_ADDRESSES = 8;

/** How much of the left of a row folds it. */
const TWIST_WIDTH = 24;

const ENDPOINT_STATES = {
  open: ["ok", "open"],
  dead: ["bad", "marked dead"],
  probing: ["warn", "probing"],
  failed_fast: ["bad", "cannot be connected to"],
};

/** The steps as a tree that is only read, for pages without a live one. */
export function renderSteps(steps, clients = {}) {
  const root = read(steps);
  const list = h("ul", { class: "tree" });
  const item = (node) =>
    h(
      "li",
      itemClass(node),
      h("div", { class: "row" }, rowParts(node, clients, false)),
      node.children.length > 0 && h("ul", null, node.children.map(item)),
    );
  if (root) list.append(item(root));
  return list;
}

/** A tree that is folded, searched and walked. */
export class Tree {
  /** `onSelect(node)` is told which step has the focus. */
  constructor({ onSelect = () => {} } = {}) {
    this.element = h("ul", {
      class: "tree",
      role: "tree",
      "aria-label": "Steps of the resolution",
      on: { keydown: (event) => this.#key(event), click: (event) => this.#click(event) },
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
    if (isGone && hadFocus) this.items.get(this.active)?.focus();
    return changes;
  }

  /** Unfolds or folds everything below the root. */
  foldAll(isFolded) {
    for (const node of this.nodes?.values() ?? []) {
      if (node.children.length > 0) this.folded.set(node.key, isFolded && node !== this.root);
    }
    if (isFolded && this.active) {
      const [shown] = this.root?.children.filter(({ key }) => this.active.startsWith(key)) ?? [];
      this.active = shown?.key ?? this.root?.key ?? null;
    }
    this.#draw();
  }

  /** Marks the steps that have the text, unfolds the way to them; how many there are. */
  search(text) {
    const wanted = text.trim().toLowerCase();
    const nodes = wanted ? [...(this.nodes?.values() ?? [])] : [];
    const found = nodes.filter((node) => searched(node).includes(wanted));
    this.matches = new Set(found.map(({ key }) => key));
    this.current = null;
    for (const node of found) this.#unfoldTo(node);
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
    if (focus) item.focus({ preventScroll: true });
    item.firstElementChild.scrollIntoView({ block: "nearest" });
    this.onSelect(node);
  }

  #markActive(item, isActive) {
    item.tabIndex = isActive ? 0 : -1;
    item.setAttribute("aria-selected", isActive);
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
    const item = h("li", { role: "treeitem" }, h("div", { class: "row" }));
    this.items.set(node.key, item);
    return item;
  }

  #update(item, node, position, of) {
    const [row] = item.children;
    const open = this.#isOpen(node);
    const full = this.full.has(node.key);
    const client = node.bound && this.clients[node.bound.id];
    const content = `${node.seen}${client ? JSON.stringify(client) : ""}${full}`;
    if (item.content !== content) {
      item.content = content;
      const { class: names, data } = itemClass(node);
      item.className = names;
      Object.assign(item.dataset, data);
      item.setAttribute("aria-label", spoken(node, client));
      replace(row, rowParts(node, this.clients, full));
    }
    const standing = `${node.depth} ${position} ${of} ${open} ${node.children.length > 0}`;
    if (item.standing !== standing) {
      item.standing = standing;
      item.setAttribute("aria-level", node.depth + 1);
      item.setAttribute("aria-posinset", position);
      item.setAttribute("aria-setsize", of);
      if (node.children.length > 0) item.setAttribute("aria-expanded", open);
      else item.removeAttribute("aria-expanded");
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

  #isOpen(node) {
    if (node.children.length === 0) return false;
    return !(this.folded.get(node.key) ?? (this.nodes.size > MANY && node.mark === "unused"));
  }

  #fold(node, isFolded) {
    if (node.children.length === 0 || this.#isOpen(node) !== isFolded) return false;
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
      if (this.#isOpen(node)) open.push(...[...node.children].reverse());
    }
    return shown;
  }

  #click(event) {
    const item = event.target.closest("li");
    const node = item && this.nodes.get(item.reconcileKey);
    if (!node) return;
    const row = item.firstElementChild;
    if (event.target.closest(".more")) this.#showAll(node);
    else if (event.clientX - row.getBoundingClientRect().left < TWIST_WIDTH) this.#fold(node, this.#isOpen(node));
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
        if (node.children.length > 0) this.#fold(node, this.#isOpen(node));
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

function itemClass({ passes, mark, kind }) {
  return { class: passes ? "step passes" : "step", data: { mark, kind } };
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

/** A step as it is read out. */
function spoken(node, client) {
  const parts = [];
  if (node.weight !== undefined) parts.push(`weight ${weightInWords(node.weight)}`);
  parts.push(node.path, node.probability > 0 ? percent(node.probability) : MARKS[node.mark]);
  if (node.dentry && !node.told) {
    const table = node.dentry.table === "override" ? "override " : "";
    parts.push(`by ${table}${entry(node.dentry)}, ${placeInWords(node.dentry)}`);
  }
  if (node.residual) parts.push(`residual ${node.residual}`);
  parts.push(...node.said.map(({ words }) => words));
  if (node.bound) {
    const words = addressInWords(node.bound.addr)?.words;
    parts.push(words ?? plural(node.bound.addr.addrs.length, "address", "addresses"));
    const dead = (client?.endpoints ?? []).filter(({ state }) => state !== "open").length;
    if (dead > 0) parts.push(`${dead} not open`);
  }
  return clean(parts.join(", "));
}

/** What stands in the row of a step. The server's page has the same. */
export function rowParts(node, clients, isFull) {
  return [
    h(
      "div",
      { class: "name" },
      h("span", { class: "mark", "aria-hidden": "true" }),
      node.weight !== undefined && h("span", { class: "weight" }, `${weightInWords(node.weight)} × `),
      h("span", { class: "path" }, node.path),
      node.cycle && h("span", { class: "tag" }, "cycle"),
      node.kind === "transformation" && h("span", { class: "tag" }, "transformer"),
    ),
    h("div", { class: "via" }, viaParts(node)),
    h("div", { class: "share" }, shareParts(node)),
    (node.said.length > 0 || node.bound) &&
      h(
        "div",
        { class: "said" },
        node.said.map(({ tone, words }) => h("p", { data: { tone } }, clean(words))),
        node.bound && boundParts(node, clients[node.bound.id], isFull),
      ),
  ];
}

function viaParts({ dentry, told, residual }) {
  const shown = dentry && !told;
  return [
    shown && h("code", null, entry(dentry)),
    shown && h("span", { class: "place" }, clean(placeInWords(dentry))),
    shown && dentry.table === "override" && h("span", { class: "tag accent" }, "override"),
    residual && h("span", { class: "residual" }, "residual ", h("code", null, residual)),
  ];
}

function shareParts({ probability, mark }) {
  if (!(probability > 0)) return h("span", { class: "standing" }, MARKS[mark]);
  const bar = s("svg", { class: "bar", "aria-hidden": "true" });
  bar.append(s("rect", { width: `${Math.round(probability * 10_000) / 100}%`, height: "100%" }));
  return [h("span", null, percent(probability)), bar];
}

function boundParts({ bound: { addr } }, client, isFull) {
  const words = addressInWords(addr);
  if (words) return h("p", { data: { tone: words.tone } }, clean(words.words));
  const known = new Map((client?.endpoints ?? []).map((endpoint) => [endpoint.address, endpoint]));
  const shown = isFull ? addr.addrs : addr.addrs.slice(0, FEW_ADDRESSES);
  const more = addr.addrs.length - FEW_ADDRESSES;
  return [
    h(
      "div",
      { class: "addresses" },
      shown.map((at) => h("div", { class: "address" }, addressParts(at, known.get(socket(at))))),
    ),
    more > 0 &&
      h("span", { class: "more" }, isFull ? "Show fewer" : `and ${plural(more, "more address", "more addresses")}`),
    typeof client?.since_ms === "number" && h("p", { data: { tone: "dim" } }, `as it is for ${age(client.since_ms)}`),
  ];
}

/** An address, and how balancer and failure accrual see it. */
function addressParts(at, endpoint) {
  const facts = [];
  const weight = addressWeight(at);
  if (weight !== 1) facts.push(`weight ${weight}`);
  if (!endpoint) {
    return [h("span", { class: "path" }, socket(at)), h("span", { class: "facts-line" }, facts.join(" · "))];
  }
  const [status, state] = ENDPOINT_STATES[endpoint.state] ?? ["idle", endpoint.state];
  facts.push(`load ${endpoint.load}`);
  if (typeof endpoint.peak_ewma_ms === "number") facts.push(`latency ${duration(endpoint.peak_ewma_ms)}`);
  if (typeof endpoint.success_rate === "number") facts.push(`success ${percent(endpoint.success_rate)}`);
  if (endpoint.failures > 0) facts.push(plural(endpoint.failures, "failure in a row", "failures in a row"));
  if (typeof endpoint.probe_in_ms === "number") facts.push(`probed in ${duration(endpoint.probe_in_ms)}`);
  return [
    h("span", { class: "path" }, socket(at)),
    h("span", { class: "chip", data: { status } }, state),
    h("span", { class: "facts-line" }, facts.join(" · ")),
  ];
}
