// A resolution as a drawing: shapes with their places, before any page or file. The graph on the page
// and the exported SVG are made of the same shapes.

import { addressInWords, clean, entry, placeInWords, socket, weightInWords } from "./delegation.js";
import { percent, plural } from "./format.js";
import { layout } from "./layout.js";

/** Widths of a character of the two sizes of text, a little over those of common fonts. */
const NAME_CHAR = 7.4;
const NOTE_CHAR = 6.3;
const PADDING = 12;
const MARK_WIDTH = 18;
const LINE = 17;
const MAX_CHARS = 46;
/** More addresses than this are counted. */
const MAX_ADDRESSES = 4;

/** Icons of the marks, 12 by 12 from the middle: each has a shape of its own. */
const ICONS = {
  taken: "M-4-5 5 0-4 5z",
  dead: "M-4.5-3.2-3.2-4.5 0-1.3 3.2-4.5 4.5-3.2 1.3 0 4.5 3.2 3.2 4.5 0 1.3-3.2 4.5-4.5 3.2-1.3 0z",
  pending: "M0-5A5 5 0 1 0 0 5 5 5 0 0 0 0-5M-.7-3.3H.7V-.4L2.8 1 2 2.2-.7.4z",
  unused: "M0-2A2 2 0 1 0 0 2 2 2 0 0 0 0-2",
};

/**
 * `{width, height, nodes, edges}` of what is not folded: a node has its box, its lines of text and its mark, an edge its
 * curve, its width by the share of the requests, and what stands on it.
 */
export function picture(root, isOpen = () => true) {
  const below = (node) => (isOpen(node) ? node.children : []);
  const texts = new Map();
  const textOf = (node) => {
    let lines = texts.get(node);
    if (!lines) texts.set(node, (lines = linesOf(node, node.children.length - below(node).length)));
    return lines;
  };
  const { boxes, width, height } = layout(root, (node) => sizeOf(textOf(node)), below);
  const nodes = [];
  const edges = [];
  for (const [node, box] of boxes) {
    nodes.push({ node, ...box, lines: textOf(node) });
    if (node.parent && boxes.has(node.parent)) edges.push(edge(node, boxes.get(node.parent), box));
  }
  return { width, height, nodes, edges };
}

/** The shapes of a node as `[tag, attributes, text]`, from the corner of its box. */
export function nodeShapes({ node, width, height, lines }) {
  const shapes = [
    ["rect", { class: "box", width, height, rx: 6 }],
    ["path", { class: "icon", d: ICONS[node.mark], transform: `translate(${PADDING + 5} ${PADDING + 5})` }],
  ];
  lines.forEach(({ role, words }, nth) => {
    shapes.push(["text", { class: role, x: PADDING + MARK_WIDTH, y: PADDING + 9 + nth * LINE }, words]);
  });
  return shapes;
}

/** The shapes of an edge. */
export function edgeShapes({ path, width, label, x, y }) {
  const shapes = [["path", { class: "line", d: path, "stroke-width": width }]];
  if (label) shapes.push(["text", { class: "label", x, y }, label]);
  return shapes;
}

function linesOf(node, folded) {
  const lines = [{ role: "name", words: shorten(node.path) }];
  if (node.dentry && !node.told) {
    const table = node.dentry.table === "override" ? "  override" : "";
    lines.push({ role: "note", words: shorten(entry(node.dentry)) });
    lines.push({ role: "note", words: shorten(clean(placeInWords(node.dentry)), MAX_CHARS - 10) + table });
  }
  if (node.children.length === 0 || node.kind === "transformation") lines.push(...endOf(node));
  if (folded > 0) lines.push({ role: "note", words: `${plural(folded, "branch", "branches")} folded` });
  return lines;
}

/** What is at the end: addresses, or why there are none. */
function endOf({ kind, bound, reason, mark }) {
  if (kind === "leaf" && bound) {
    const words = addressInWords(bound.addr);
    if (words) return [{ role: words.tone === "plain" ? "address" : "why", words: shorten(clean(words.words)) }];
    const { addrs } = bound.addr;
    const shown = addrs.slice(0, MAX_ADDRESSES).map((at) => ({ role: "address", words: socket(at) }));
    const more = addrs.length - shown.length;
    if (more > 0) shown.push({ role: "note", words: `and ${plural(more, "more address", "more addresses")}` });
    return shown;
  }
  return [{ role: mark === "dead" ? "why" : "note", words: shorten(clean(reason)) }];
}

function sizeOf(lines) {
  const widths = lines.map(({ role, words }) => [...words].length * (role === "name" ? NAME_CHAR : NOTE_CHAR));
  return {
    width: Math.ceil(Math.max(120, ...widths) + 2 * PADDING + MARK_WIDTH),
    height: lines.length * LINE + 2 * PADDING - 6,
  };
}

function edge(node, from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const bend = (x2 - x1) / 2;
  const parts = [];
  if (node.weight !== undefined) parts.push(`${weightInWords(node.weight)} ×`);
  const isShare = node.probability > 0 && node.probability < 1 && node.weight !== undefined;
  return {
    node,
    path: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`,
    width: node.mark === "taken" ? 1.5 + 4 * node.probability : 1.5,
    label: isShare ? percent(node.probability) : parts.join(" "),
    x: x2 - 6,
    y: y2 - 6,
  };
}

/** At most so many characters: the middle goes, for a path's end tells more than its middle. */
function shorten(text, most = MAX_CHARS) {
  const chars = [...text];
  if (chars.length <= most) return text;
  const tail = Math.floor((most - 1) / 2);
  return `${chars.slice(0, most - 1 - tail).join("")}…${chars.slice(-tail).join("")}`;
}
