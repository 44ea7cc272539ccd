// The steps of an answer with their tools: as rows or as a graph, searched, copied and exported.

import { walk } from "./delegation.js";
import { h, replace } from "./dom.js";
import { toDot, toSvg, toText } from "./export.js";
import { plural } from "./format.js";
import { Graph } from "./graph.js";
import { itemClass, rowParts } from "./rows.js";
import { copy } from "./shell.js";
import { Tree } from "./tree.js";

export class Steps {
  /** `onView({view, find})` is told when it is looked at in another way. */
  constructor({ onView }) {
    this.onView = onView;
    this.tree = new Tree({ onSelect: (node) => this.view === "graph" && this.#follow(node) });
    this.graph = new Graph({
      onSelect: (node) => this.#detail(node),
      onFold: (node) => {
        this.tree.toggle(node);
        this.#drawGraph();
      },
    });
    this.detail = h("div", { class: "tree graph-detail", hidden: true });
    const hint = h(
      "p",
      { class: "muted small graph-hint" },
      "Drag to move, Ctrl and wheel to zoom, arrow keys to walk, Enter or double click to fold",
    );
    this.graphPart = h("div", { class: "graph-part", hidden: true }, this.graph.element, hint, this.detail);
    this.count = h("span", { class: "muted small" });
    this.view = "tree";
    this.element = h(
      "section",
      { class: "card steps", "aria-label": "Steps" },
      h("div", { class: "card-head" }, h("h2", null, "Steps ", this.count), this.#tools()),
      h("div", { class: "steps-body" }, this.tree.element, this.graphPart),
    );
  }

  /**
   * Shows an answer, in the way that a link says if one does; how many steps changed. `since` has the
   * moment from which a bound name is as it is.
   */
  show(answer, { since, state = null }) {
    this.answer = answer;
    const clients = { ...answer.clients };
    for (const [name, moment] of Object.entries(since)) clients[name] = { ...clients[name], since: moment };
    const changes = this.tree.show(answer.steps, clients);
    this.element.hidden = !this.tree.root;
    const all = this.tree.root ? walk(this.tree.root).length : 0;
    replace(this.count, plural(all, "step"));
    if (state) {
      this.tree.restore(state);
      this.find.value = state.find;
      this.#show(state.view);
    }
    if (this.view === "graph" && (changes > 0 || state)) this.#drawGraph();
    if (this.find.value && (state || changes > 0)) this.#search(false);
    return changes;
  }

  /** To be called when it is in the page: only then has the graph a size. */
  attached() {
    if (this.view === "graph") this.graph.begin();
  }

  #tools() {
    this.find = h("input", { type: "search", class: "find", placeholder: "Find a step", "aria-label": "Find a step" });
    this.found = h("span", { class: "found muted small", role: "status" });
    this.find.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.#search(true), 100);
    });
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#next(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape" && this.find.value) this.find.value = "";
      else return;
      event.preventDefault();
      if (event.key === "Escape") this.#search(true);
    });
    const button = (label, run, props) => h("button", { type: "button", ...props, on: { click: run } }, label);
    this.views = ["tree", "graph"].map((view) =>
      button(view === "tree" ? "Tree" : "Graph", () => this.#choose(view), { "aria-pressed": view === "tree" }),
    );
    const folds = [button("Unfold all", () => this.#fold(false)), button("Fold all", () => this.#fold(true))];
    return h(
      "div",
      { class: "actions" },
      h("div", { class: "finder" }, this.find, this.found),
      h("div", { class: "segmented", role: "group", "aria-label": "View" }, this.views),
      h("div", { class: "segmented", role: "group", "aria-label": "Folding" }, folds),
      button("Copy text", () => copy(this.#text(), "the tree")),
      button("Copy link", () => this.#copyLink()),
      this.#exportMenu(),
    );
  }

  #exportMenu() {
    const name = () => this.answer.path?.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^-|-$/g, "") || "delegation";
    const item = (label, ending, type, make) =>
      h("button", { type: "button", on: { click: () => saved(`${name()}.${ending}`, type, make()) } }, label);
    const saved = (...file) => {
      close();
      save(...file);
    };
    const menu = h(
      "details",
      { class: "menu" },
      h("summary", { class: "button" }, "Export"),
      h(
        "div",
        { class: "menu-list" },
        item("JSON", "json", "application/json", () => `${JSON.stringify(this.answer, null, 2)}\n`),
        item("SVG picture", "svg", "image/svg+xml", () => toSvg(this.answer.steps, `Where ${this.answer.path} goes`)),
        item("DOT for Graphviz", "dot", "text/vnd.graphviz", () => toDot(this.answer.steps)),
        item("Text", "txt", "text/plain", () => this.#text()),
      ),
    );
    const close = () => (menu.open = false);
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      close();
      menu.firstElementChild.focus();
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) close();
    });
    document.addEventListener("pointerdown", (event) => {
      if (!menu.contains(event.target)) close();
    });
    return menu;
  }

  /** The tree as the command line prints it, with its last line. */
  #text() {
    const { steps, state, path, summary } = this.answer;
    return `${toText(steps)}\n${state === "bound" ? `${path}: ${summary}` : summary}\n`;
  }

  #copyLink() {
    this.onView({ view: this.view, find: this.find.value.trim(), ...this.tree.folding });
    copy(location.href, "a link to this view");
  }

  #choose(view) {
    this.#show(view);
    if (view === "graph") this.#drawGraph();
    this.onView({ view });
  }

  #show(view) {
    this.view = view;
    const isGraph = view === "graph";
    this.tree.element.hidden = isGraph;
    this.graphPart.hidden = !isGraph;
    this.views.forEach((button, nth) => button.setAttribute("aria-pressed", isGraph === (nth === 1)));
  }

  #drawGraph() {
    this.graph.show(this.tree.root, (node) => this.tree.isOpen(node));
    const node = this.tree.nodes.get(this.graph.selected);
    if (node) this.#detail(node);
    else this.detail.hidden = true;
  }

  /** Goes to a step in the graph, which may have been unfolded on the way. */
  #follow(node) {
    if (!this.graph.boxOf.has(node.key)) this.#drawGraph();
    this.graph.select(node.key);
  }

  /** The row of the node that is chosen in the graph. */
  #detail(node) {
    this.detail.hidden = false;
    const row = h("div", { class: "row" }, rowParts(node, this.tree.clients, true));
    replace(this.detail, h("div", itemClass({ ...node, passes: false }), row));
  }

  #fold(isFolded) {
    this.tree.foldAll(isFolded);
    if (this.view === "graph") this.#drawGraph();
  }

  #search(byHand) {
    const text = this.find.value;
    const matches = this.tree.search(text, { unfold: byHand });
    replace(this.found, text.trim() ? plural(matches, "match", "matches") : "");
    if (!byHand) return;
    if (matches > 0) this.#next(1);
    this.onView({ find: text.trim() });
  }

  #next(step) {
    const at = this.tree.nextMatch(step);
    if (at > 0) replace(this.found, `${at} of ${plural(this.tree.matches.size, "match", "matches")}`);
  }
}

function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
