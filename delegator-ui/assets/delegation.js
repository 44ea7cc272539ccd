// The model of a resolution: the steps of `/delegation.json` as a tree, and what is said at each.
//
// It is drawn in rows, as a graph, as text and as DOT, and is read here for all of them by the same
// rules as the command line's pictures: cycles are cut where they begin again, a hop to a choice
// under the same name is that choice, and each step is marked as taken, dead, pending or unused.

/** How the state of an answer is marked, and in which word. The server has the same. */
export const STATES = {
  bound: ["ok", "bound"],
  neg: ["bad", "negative"],
  fail: ["bad", "refused"],
  empty: ["warn", "nobody"],
  pending: ["pending", "not known yet"],
  failed: ["bad", "failed"],
};

/** What the marks mean, in words. */
export const MARKS = {
  taken: "taken",
  dead: "leads nowhere",
  pending: "not known yet",
  unused: "not needed",
};

/**
 * The root of the tree, or `null` if these are not steps. Every node has, beside the members of its
 * step, `key` (the same in the next answer if the step is), `parent`, `depth`, `children`, `mark`,
 * `told` (its entry is that of the node above), `inUnused`, `passes` (a later sibling is taken),
 * `choice` (the step that it is one with) and `said` (lines of `{tone, words}`). With `merged` false every step is a node of its own.
 */
export function read(steps, { merged = true } = {}) {
  const raw = nest(steps);
  if (!raw) return null;
  const root = merge(cut(raw, []), merged);
  place(root, null, 0, false);
  return root;
}

/** All nodes, each before those that follow from it. */
export function walk(root) {
  const nodes = [];
  const open = root ? [root] : [];
  while (open.length > 0) {
    const node = open.pop();
    nodes.push(node);
    for (let at = node.children.length - 1; at >= 0; at -= 1) open.push(node.children[at]);
  }
  return nodes;
}

/** The entries that the requests go by, each once, in the order in which they are met. */
export function entriesOfTheWay(root) {
  const entries = new Map();
  for (const { dentry, mark } of walk(root)) {
    if (dentry && mark === "taken") entries.set(`${dentry.table} ${dentry.index} ${dentry.of}`, dentry);
  }
  return [...entries.values()];
}

/** `127.0.0.1:8080`, `[::1]:8080`. */
export function socket({ ip, port }) {
  return String(ip).includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** Whether a step comes round to a name that led to it. */
export function isCycle({ kind, reason }) {
  return kind === "exception" && reason.startsWith("a cycle: ");
}

/** The weight that a source gives an address. */
export function addressWeight({ meta }) {
  const weight = meta?.endpoint_addr_weight;
  return typeof weight === "number" ? weight : 1;
}

/** A weight as it is written in a dtab. */
export function weightInWords(weight) {
  return weight === "Infinity" || weight === Infinity ? "inf" : String(weight);
}

/** `/svc => /host`. */
export function entry({ prefix, dst }) {
  return `${prefix} => ${dst}`;
}

/** `routes.dtab:4:1`, or which entry of the table it is. */
export function placeInWords({ place, index, of }) {
  return place ? `${place.file}:${place.line}:${place.column}` : `entry ${index + 1} of ${of}`;
}

/** The text with control characters made visible. */
export function clean(text) {
  const short = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };
  return String(text).replace(/\p{Cc}/gu, (c) => short[c] ?? `\\u{${c.codePointAt(0).toString(16)}}`);
}

/** What is said of an address, with its tone; the addresses themselves are `null`. */
export function addressInWords(addr) {
  switch (addr.type) {
    case "bound":
      return addr.addrs.length === 0 ? { tone: "bad", words: "no address" } : null;
    case "pending":
      return { tone: "pending", words: "address not known yet" };
    case "neg":
      return { tone: "bad", words: "it has no address" };
    case "failed":
      return { tone: "bad", words: `the address cannot be known: ${addr.cause}` };
    default:
      return { tone: "plain", words: `answered at once with status ${addr.code}` };
  }
}

/** From a list with depths to a tree. */
function nest(steps) {
  if (!Array.isArray(steps) || steps.length === 0) return null;
  const open = [];
  for (const step of steps) {
    if (step.depth > open.length || (step.depth === 0) !== (open.length === 0)) return null;
    open.length = step.depth;
    const node = { ...step, children: [] };
    if (step.depth > 0) open[step.depth - 1].children.push(node);
    open.push(node);
  }
  return open[0];
}

/** Cuts every cycle off where it begins again: it leads where it led before, many look-ups deep. */
function cut(node, above) {
  const hop = above.at(-1) !== node.path;
  const at = hop ? above.indexOf(node.path) : -1;
  if (at >= 0) {
    const round = [...above.slice(at), node.path].join(" -> ");
    return { ...node, kind: "exception", reason: `a cycle: ${round}`, children: [] };
  }
  if (hop) above.push(node.path);
  // What a transformer puts in the place of a name is resolved anew.
  const names = node.kind === "transformation" ? [] : above;
  const children = node.children.map((child) => cut(child, names));
  if (hop) above.pop();
  return { ...node, children };
}

const isChoice = (node) => node.kind === "alt" || node.kind === "union";

/** A hop to a choice under the same name is that choice. */
function merge(node, merged) {
  const [only] = node.children;
  const isOne = merged && node.kind === "delegate" && only && isChoice(only) && only.path === node.path;
  const choice = isOne ? only : null;
  const children = (choice ?? node).children.map((child) => merge(child, merged));
  return { ...node, choice, children };
}

/** How many of the children count: in an alt, those up to the first that is not negative. */
function reached({ kind, children }) {
  if (kind !== "alt") return children.length;
  const decides = children.findIndex((child) => !isNegative(child));
  return decides < 0 ? children.length : decides + 1;
}

/** Whether an alt passes on to the branch behind this one. */
function isNegative(node) {
  const kind = node.choice?.kind ?? node.kind;
  switch (kind) {
    case "neg":
      return true;
    case "fail":
    case "exception":
    case "leaf":
    case "empty":
    case "pending":
    case "unreached":
      return false;
    case "union":
      return node.children.every(node.children.length > 1 ? isDropped : isNegative);
    default:
      return node.children.every(isNegative);
  }
}

/** Whether a union goes on as if this branch were not there: it is negative, or refuses. */
function isDropped(node) {
  const kind = node.choice?.kind ?? node.kind;
  switch (kind) {
    case "fail":
      return true;
    case "delegate":
    case "overlooked":
    case "transformation":
      return node.children.every(isDropped);
    case "alt": {
      const decides = node.children.find((child) => !isNegative(child));
      return !decides || isDropped(decides);
    }
    default:
      return isNegative(node);
  }
}

function markOf(node, unused) {
  if (unused) return "unused";
  if (node.probability > 0) return "taken";
  return node.kind === "pending" ? "pending" : "dead";
}

/** Gives the nodes what they have by where they stand. */
function place(node, parent, depth, unused) {
  const branch = parent !== null && isChoice(parent.choice ?? parent);
  node.parent = parent;
  node.depth = depth;
  node.mark = markOf(node, unused);
  node.inUnused = parent?.mark === "unused";
  node.told = Boolean(parent && same(node.dentry, (parent.choice ?? parent).dentry));
  node.said = said(node, branch);
  const reach = reached({ kind: node.choice?.kind ?? node.kind, children: node.children });
  const seen = new Map();
  node.key ??= node.path;
  node.children.forEach((child, nth) => {
    const { dentry } = child;
    const own = `${dentry ? `${dentry.table}${dentry.index}` : ""}|${child.path}`;
    const before = seen.get(own) ?? 0;
    seen.set(own, before + 1);
    child.key = `${node.key}\n${own}${before > 0 ? `#${before}` : ""}`;
    place(child, node, depth + 1, node.mark === "unused" || nth >= reach);
  });
  let leadsOn = false;
  for (const child of [...node.children].reverse()) {
    child.passes = leadsOn;
    leadsOn ||= child.mark === "taken";
  }
}

function same(a, b) {
  return Boolean(a && b && a.table === b.table && a.index === b.index && a.prefix === b.prefix && a.dst === b.dst);
}

/** What is said under a node's name, but for its addresses. */
function said(node, branch) {
  const lines = [];
  const passed = node.kind === "delegate" || node.kind === "leaf";
  const end = node.children.length === 0 && node.kind !== "leaf";
  if (node.inUnused ? end : branch || !passed) lines.push({ tone: node.mark, words: node.reason });
  if (node.choice && !branch) lines.push({ tone: "dim", words: node.choice.reason });
  if (node.bound) {
    const { id, residual } = node.bound;
    const rest = residual && residual !== "/" ? `, residual ${residual}` : "";
    const was = node.kind === "transformation" ? "was bound" : "bound";
    lines.push({ tone: "dim", words: `${was} to ${id}${rest}` });
  }
  return lines;
}
