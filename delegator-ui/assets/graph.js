// The tree as a graph that is moved and zoomed. Only what is to be seen is in the page, and from far
// away without its texts, so that thousands of nodes move as lightly as three.

import { h, replace, s } from "./dom.js";
import { edgeShapes, nodeShapes, picture } from "./picture.js";

const SMALLEST = 0.02;
const LARGEST = 2.5;
/** Smaller than this, texts cannot be read. */
const FAR = 0.3;
/** What is shown at first is at least so large. */
const READABLE = 0.65;
const MARGIN = 24;

export class Graph {
  /** `onSelect(node)` is told which node is chosen, `onFold(node)` which one to fold or unfold. */
  constructor({ onSelect = () => {}, onFold = () => {} } = {}) {
    this.onSelect = onSelect;
    this.onFold = onFold;
    this.edges = s("g");
    this.nodes = s("g");
    this.scene = s("g", null, this.edges, this.nodes);
    this.svg = s(
      "svg",
      {
        class: "graph-canvas",
        tabindex: 0,
        role: "application",
        "aria-label": "Graph of the resolution. Arrow keys walk, Enter folds, plus and minus zoom, 0 shows all.",
      },
      this.scene,
    );
    const button = (title, sign, run) => h("button", { type: "button", title, on: { click: run } }, sign);
    this.element = h(
      "div",
      { class: "graph" },
      this.svg,
      h(
        "div",
        { class: "graph-tools segmented" },
        button("Zoom in", h("span", { "aria-label": "Zoom in", role: "img" }, "+"), () => this.#zoom(1.3)),
        button("Zoom out", h("span", { "aria-label": "Zoom out", role: "img" }, "−"), () => this.#zoom(1 / 1.3)),
        button("Show all", "Fit", () => this.fit()),
      ),
    );
    this.at = { x: 0, y: 0, scale: 1 };
    this.shown = new Map();
    this.ofElement = new WeakMap();
    this.selected = null;
    this.picture = null;
    this.#listen();
  }

  /** Draws a tree as far as it is unfolded; the view stays if it is of the same name. */
  show(root, isOpen) {
    const isAnother = this.root?.key !== root?.key;
    const before = this.boxOf?.get(this.selected ?? this.root?.key);
    this.root = root;
    this.picture = root ? picture(root, isOpen) : null;
    this.boxOf = new Map(this.picture?.nodes.map((box) => [box.node.key, box]));
    this.#clear();
    if (!this.boxOf.has(this.selected)) this.selected = null;
    if (isAnother || !this.isPlaced) {
      this.begin();
      return;
    }
    // What one looks at stays where it is, though all around it may move.
    const after = this.boxOf.get(this.selected ?? root?.key);
    if (before && after) this.at.y += (before.y - after.y) * this.at.scale;
    this.#draw();
  }

  /** Shows all, or the beginning of what would be too small to read. */
  begin() {
    const { clientWidth, clientHeight } = this.svg;
    if (!this.picture || clientWidth === 0) return;
    this.fit();
    this.isPlaced = true;
    if (this.at.scale >= READABLE) return;
    const root = this.boxOf.get(this.root.key);
    this.at.scale = READABLE;
    this.at.x = MARGIN;
    this.at.y = clientHeight / 2 - (root.y + root.height / 2) * READABLE;
  }

  /** Makes all of it to be seen. */
  fit() {
    const { clientWidth, clientHeight } = this.svg;
    if (!this.picture || clientWidth === 0) return;
    const { width, height } = this.picture;
    const scale = Math.min(1, (clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height);
    this.at.scale = Math.max(SMALLEST, scale);
    this.at.x = Math.max(MARGIN, (clientWidth - width * this.at.scale) / 2);
    this.at.y = Math.max(MARGIN, (clientHeight - height * this.at.scale) / 2);
    this.#draw();
  }

  /** Marks a node and moves it into view. */
  select(key) {
    const box = this.boxOf.get(key);
    if (!box) return;
    this.shown.get(this.selected)?.classList.remove("selected");
    this.selected = key;
    if (this.at.scale < FAR) this.#zoom(0.8 / this.at.scale, box);
    const { clientWidth, clientHeight } = this.svg;
    const { x, y, scale } = this.at;
    const [left, top] = [x + box.x * scale, y + box.y * scale];
    const [right, bottom] = [left + box.width * scale, top + box.height * scale];
    if (left < MARGIN || right > clientWidth - MARGIN) this.at.x = clientWidth / 2 - (box.x + box.width / 2) * scale;
    if (top < MARGIN || bottom > clientHeight - MARGIN) this.at.y = clientHeight / 2 - (box.y + box.height / 2) * scale;
    this.#draw();
    this.onSelect(box.node);
  }

  /** Zooms about the middle of what is seen, or about a box that comes into the middle. */
  #zoom(factor, box) {
    const { clientWidth, clientHeight } = this.svg;
    const scale = Math.min(LARGEST, Math.max(SMALLEST, this.at.scale * factor));
    if (box) {
      this.at.x = clientWidth / 2 - (box.x + box.width / 2) * scale;
      this.at.y = clientHeight / 2 - (box.y + box.height / 2) * scale;
      this.at.scale = scale;
    } else {
      this.#zoomAbout(clientWidth / 2, clientHeight / 2, scale);
    }
    this.#draw();
  }

  #zoomAbout(x, y, scale) {
    const factor = scale / this.at.scale;
    this.at.x = x - (x - this.at.x) * factor;
    this.at.y = y - (y - this.at.y) * factor;
    this.at.scale = scale;
  }

  #clear() {
    this.shown.clear();
    this.edges.replaceChildren();
    this.nodes.replaceChildren();
  }

  /** Draws at the next frame, once however often it is asked. */
  #draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#drawNow();
    });
  }

  #drawNow() {
    if (!this.picture) return;
    const { x, y, scale } = this.at;
    const isFar = scale < FAR;
    if (isFar !== this.isFar) this.#clear();
    this.isFar = isFar;
    this.svg.classList.toggle("far", isFar);
    this.scene.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    const { clientWidth, clientHeight } = this.svg;
    const seen = { left: -x / scale, top: -y / scale, right: (clientWidth - x) / scale, bottom: (clientHeight - y) / scale };
    const wanted = new Set();
    for (const box of this.picture.nodes) {
      if (!overlaps(seen, box.x, box.y, box.x + box.width, box.y + box.height)) continue;
      wanted.add(box.node.key);
      const element = this.#node(box);
      element.classList.toggle("selected", box.node.key === this.selected);
    }
    for (const edge of this.picture.edges) {
      const to = this.boxOf.get(edge.node.key);
      const from = this.boxOf.get(edge.node.parent.key);
      if (!overlaps(seen, from.x, Math.min(from.y, to.y), to.x, Math.max(from.y, to.y) + to.height)) continue;
      const key = `edge ${edge.node.key}`;
      wanted.add(key);
      if (this.shown.has(key)) continue;
      const element = s("g", { class: edge.node.mark }, elements(edgeShapes(edge), isFar));
      this.shown.set(key, element);
      this.edges.append(element);
    }
    for (const [key, element] of this.shown) {
      if (wanted.has(key)) continue;
      element.remove();
      this.shown.delete(key);
    }
  }

  #node(box) {
    const { key, mark } = box.node;
    let element = this.shown.get(key);
    if (!element) {
      const transform = `translate(${box.x} ${box.y})`;
      element = s("g", { class: `node ${mark}`, transform }, elements(nodeShapes(box), this.isFar));
      this.shown.set(key, element);
      this.ofElement.set(element, key);
      this.nodes.append(element);
    }
    return element;
  }

  #listen() {
    const { svg } = this;
    let drag = null;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      drag = { x: event.clientX, y: event.clientY, moved: false, target: event.target };
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < 4) return;
      Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
      this.at.x += dx;
      this.at.y += dy;
      this.#draw();
    });
    svg.addEventListener("pointerup", () => {
      const key = drag && !drag.moved && this.ofElement.get(drag.target.closest("g.node"));
      drag = null;
      if (key) this.select(key);
    });
    svg.addEventListener("dblclick", () => {
      const node = this.boxOf?.get(this.selected)?.node;
      if (node) this.onFold(node);
    });
    svg.addEventListener("pointercancel", () => (drag = null));
    svg.addEventListener(
      "wheel",
      (event) => {
        // The wheel alone scrolls the page, as everywhere.
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const scale = Math.min(LARGEST, Math.max(SMALLEST, this.at.scale * Math.exp(-event.deltaY / 250)));
        const { left, top } = svg.getBoundingClientRect();
        this.#zoomAbout(event.clientX - left, event.clientY - top, scale);
        this.#draw();
      },
      { passive: false },
    );
    svg.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => (this.isPlaced ? this.#draw() : this.begin())).observe(svg);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.root) return;
    const node = this.boxOf.get(this.selected)?.node;
    const siblings = node?.parent?.children ?? [];
    const beside = (step) => siblings[siblings.indexOf(node) + step];
    const to = {
      ArrowRight: () => this.boxOf.get(this.selected)?.children[0],
      ArrowLeft: () => node?.parent,
      ArrowDown: () => beside(1),
      ArrowUp: () => beside(-1),
      Home: () => this.root,
    }[event.key];
    if (to) {
      const next = node ? to() : this.root;
      if (next) this.select(next.key);
    } else if ((event.key === "Enter" || event.key === " ") && node) this.onFold(node);
    else if (event.key === "+" || event.key === "=") this.#zoom(1.3);
    else if (event.key === "-") this.#zoom(1 / 1.3);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }
}

function overlaps(seen, left, top, right, bottom) {
  return left < seen.right && right > seen.left && top < seen.bottom && bottom > seen.top;
}

function elements(shapes, isFar) {
  const kept = isFar ? shapes.slice(0, 1) : shapes;
  return kept.map(([tag, attributes, words]) => replace(s(tag, attributes), words));
}
