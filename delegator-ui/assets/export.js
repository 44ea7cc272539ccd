// A resolution as a file: the text and the DOT of the command line, and a drawing as SVG.

import {
  MARKS,
  addressInWords,
  addressWeight,
  clean,
  entry,
  placeInWords,
  read,
  socket,
  weightInWords,
} from "./delegation.js";
import { percent } from "./format.js";
import { edgeShapes, nodeShapes, picture } from "./picture.js";

/** The left column is at most this wide; wider names push their entry to the right. */
const MAX_LEFT = 60;
/** More addresses than this are counted. */
const MAX_ADDRESSES = 8;

const SIGNS = { taken: "▶", dead: "✗", pending: "?", unused: "·" };

const width = (text) => [...text].length;

/** The tree as `fingerpost delegate` prints it. */
export function toText(steps) {
  const root = read(steps);
  if (!root) return "";
  const rows = [];
  const marks = new Set();
  rows.push({ left: root.path, width: 0, right: "" });
  textBelow(root, "", rows, marks);
  const column = Math.max(0, ...rows.filter((row) => row.right && row.width <= MAX_LEFT).map((row) => row.width));
  const lines = rows.map(({ left, width, right }) =>
    right ? `${left}${" ".repeat(Math.max(0, column - width) + 3)}${right}` : left,
  );
  if (marks.has("unused") || marks.has("dead")) {
    const legend = ["taken", "dead", "unused"].filter((mark) => marks.has(mark));
    lines.push(legend.map((mark) => `${SIGNS[mark]} ${MARKS[mark]}`).join("  "));
  }
  return `${lines.join("\n")}\n`;
}

function textBelow(node, indent, rows, marks) {
  const rail = node.children.length === 0 ? "  " : "│ ";
  const say = (words) => rows.push({ left: `${indent}${rail}${clean(words)}`, width: 0, right: "" });
  for (const { words } of node.said) say(words);
  if (node.bound) say(addresses(node.bound.addr));
  const last = node.children.length - 1;
  node.children.forEach((child, nth) => {
    marks.add(child.mark);
    const stem = `${indent}${nth === last ? "└─" : "├─"}${SIGNS[child.mark]} `;
    const weight = child.weight === undefined ? "" : `${weightInWords(child.weight)} × `;
    const ends = child.kind === "leaf" || child.kind === "empty";
    const { probability } = child;
    const share = ends && probability > 0 && probability < 1 ? `  ${percent(probability)}` : "";
    const left = `${stem}${weight}${child.path}${share}`;
    rows.push({ left, width: width(left), right: by(child) });
    textBelow(child, `${indent}${nth === last ? "    " : "│   "}`, rows, marks);
  });
}

/** The entry that led to a node, where it stands, and what it took over. */
function by({ dentry, told, residual }) {
  const parts = [];
  if (dentry && !told) {
    parts.push(entry(dentry), clean(placeInWords(dentry)));
    if (dentry.table === "override") parts.push("override");
  }
  if (residual) parts.push(`residual ${residual}`);
  return parts.join("  ");
}

function addresses(addr) {
  const words = addressInWords(addr);
  if (words) return words.words;
  const shown = addr.addrs.slice(0, MAX_ADDRESSES).map((at) => {
    const weight = addressWeight(at);
    return weight === 1 ? socket(at) : `${socket(at)} (weight ${weight})`;
  });
  const more = addr.addrs.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  return shown.join(", ");
}

/** The tree as a graph in the DOT language, as `fingerpost delegate --format dot` prints it. */
export function toDot(steps) {
  const root = read(steps, { merged: false });
  const lines = [
    "digraph delegation {",
    "  rankdir=LR;",
    "  node [shape=box, fontname=monospace];",
    "  edge [fontname=monospace];",
  ];
  let next = 0;
  const draw = (node) => {
    const number = next;
    next += 1;
    lines.push(`  n${number} [label=${quoted(dotLabel(node))}, ${DOT_STYLES[node.mark]}];`);
    for (const child of node.children) {
      const to = draw(child);
      const style = child.mark === "taken" ? "penwidth=2" : "style=dashed";
      lines.push(`  n${number} -> n${to} [label=${quoted(dotEdge(child))}, ${style}];`);
    }
    return number;
  };
  if (root) draw(root);
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

const DOT_STYLES = {
  taken: "penwidth=2",
  dead: "style=dashed, color=red",
  pending: "style=dotted",
  unused: "style=dashed, color=gray",
};

function dotLabel({ path, kind, bound, reason, probability }) {
  if (kind === "delegate") return [path];
  if (kind !== "leaf" || !bound) return [path, reason];
  const lines = [path];
  if (bound.residual !== "/") lines.push(`residual ${bound.residual}`);
  const { addr } = bound;
  if (addr.type === "bound" && addr.addrs.length > 0) lines.push(...addr.addrs.map(socket));
  else lines.push(reason);
  return [...lines, percent(probability)];
}

function dotEdge({ weight, dentry }) {
  const lines = weight === undefined ? [] : [`${weightInWords(weight)} ×`];
  if (dentry) {
    lines.push(entry(dentry));
    if (dentry.place) lines.push(placeInWords(dentry));
  }
  return lines;
}

/** A DOT string. Each line ends in `\l`, which sets it flush left. */
function quoted(lines) {
  const escaped = lines.flatMap((line) => line.split("\n")).map((line) => clean(line).replace(/["\\]/g, "\\$&"));
  return `"${escaped.map((line) => `${line}\\l`).join("")}"`;
}

const SVG_STYLE = `
  .box { fill: #ffffff; stroke: #838c97; }
  .taken .box { stroke: #0f766e; stroke-width: 1.5; }
  .dead .box, .unused .box { stroke-dasharray: 4 3; }
  .icon { fill: #838c97; } .taken .icon { fill: #0f766e; } .dead .icon { fill: #b3261e; }
  .line { fill: none; stroke: #838c97; stroke-dasharray: 4 3; }
  .taken .line { stroke: #0f766e; stroke-dasharray: none; }
  text { font: 10.5px ui-monospace, Menlo, Consolas, monospace; fill: #565f6b; white-space: pre; }
  .name { font-size: 12px; font-weight: 600; fill: #14181c; }
  .address { fill: #14181c; } .why { fill: #b3261e; }
  .label { text-anchor: end; font-weight: 600; fill: #0b5a54; stroke: #ffffff; stroke-width: 4px; paint-order: stroke; }
`;

/** The drawing as an SVG file that needs nothing else, in the colours of the light theme. */
export function toSvg(steps, title) {
  const root = read(steps);
  if (!root) return "";
  const margin = 16;
  const { width, height, nodes, edges } = picture(root);
  const [w, h] = [Math.ceil(width) + 2 * margin, Math.ceil(height) + 2 * margin];
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="${-margin} ${-margin} ${w} ${h}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${SVG_STYLE}</style>`,
    `<rect x="${-margin}" y="${-margin}" width="${w}" height="${h}" fill="#ffffff"/>`,
  ];
  for (const edge of edges) lines.push(`<g class="${edge.node.mark}">${shapes(edgeShapes(edge))}</g>`);
  for (const node of nodes) {
    const at = `translate(${node.x} ${node.y})`;
    lines.push(`<g class="${node.node.mark}" transform="${at}">${shapes(nodeShapes(node))}</g>`);
  }
  lines.push("</svg>");
  return `${lines.join("\n")}\n`;
}

function shapes(list) {
  return list
    .map(([tag, attributes, words]) => {
      const written = Object.entries(attributes).map(([name, value]) => ` ${name}="${escape(value)}"`);
      return words === undefined
        ? `<${tag}${written.join("")}/>`
        : `<${tag}${written.join("")}>${escape(words)}</${tag}>`;
    })
    .join("");
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escape(value) {
  return clean(value).replace(/[&<>"']/g, (c) => ESCAPES[c]);
}
