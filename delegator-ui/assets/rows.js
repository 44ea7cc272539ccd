// A step as a row: its name, the entry that led there, its share, and what is to be said of it.

import {
  MARKS,
  addressInWords,
  addressWeight,
  clean,
  entry,
  isCycle,
  placeInWords,
  read,
  socket,
  weightInWords,
} from "./delegation.js";
import { h, s } from "./dom.js";
import { clock, duration, percent, plural } from "./format.js";

/** More addresses than this are shown on demand. */
const FEW_ADDRESSES = 8;

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

/** Class and data of a step's list item. */
export function itemClass({ passes, mark, kind, children }) {
  const names = ["step", passes && "passes", children.length === 0 && "end"];
  return { class: names.filter(Boolean).join(" "), data: { mark, kind } };
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
      isCycle(node) && h("span", { class: "tag" }, "cycle"),
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
    typeof client?.since === "number" && h("p", { data: { tone: "dim" } }, `unchanged since ${clock(client.since)}`),
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
