// The latest requests: a list that new ones are put on top of, but never while somebody points at it or
// has the focus in it, and one request in full with its delegation as it was.

import { byId, h, reconcile, replace } from "./dom.js";
import { live } from "./live.js";
import { announce, copy, setState } from "./shell.js";
import { count, duration, plural } from "./format.js";
import { Tree } from "./tree.js";

/** How many requests are kept here, and shown at a time. */
const KEPT = 600;
const SHOWN = 200;
/** How long the list stays as it is after a pointer was over it, in milliseconds. */
const CALM = 1500;

const form = byId("filters");
const field = (name) => form.elements.namedItem(name);
/** By id, newest first. */
let requests = new Map();
let paused = false;
/** The router does not say which requests it has had. */
let missing = false;
let calm = 0;
/** The newest one that is shown. */
let shownUpTo = null;

// ---- the list ----

const HEADS = ["Time", "Name", "Bound to", "Endpoint", "Request", "Status", "Took", "Retries", "Override", "Error"];
const CLASSES = {
  Name: "path-cell",
  "Bound to": "path-cell",
  Endpoint: "nowrap",
  Request: "path-cell",
  Status: "nowrap",
  Took: "num",
  Retries: "num",
  Override: "path-cell",
  Error: "reason",
};
const body = h("tbody");
const region = h("div", { class: "table-scroll framed", role: "region", tabindex: "0", "aria-label": "Requests" },
  h("table", { class: "data cards requests" },
    h("caption", { class: "visually-hidden" }, "The latest requests, newest first"),
    h("thead", null, h("tr", null, HEADS.map((head) => h("th", { scope: "col", class: CLASSES[head] }, head)))),
    body));
const nothing = h("div", { class: "empty" });
const newer = h("button", { type: "button", class: "quiet table-again", disabled: true, on: { click: () => show(true) } }, "No new ones");
const pause = h("button", { type: "button", "aria-pressed": "false", on: { click: setPaused } }, "Pause");
const tally = h("span", { class: "muted" });
byId("requests-bar").append(tally, newer, pause);
replace(byId("requests"), region, nothing);
byId("filters-show").hidden = true;

function create(request) {
  const link = h("a", { href: hrefOf(request.id) }, time(request.time));
  const status = outcome(request);
  const cells = [
    link,
    delegator(request, request.service, "path"),
    delegator(request, request.client, "path"),
    request.destination && h("span", { class: "path" }, request.destination),
    h("span", null, h("b", null, request.method), " ", h("span", { class: "path" }, request.uri)),
    h("span", { class: "chip", data: { status: status.status } }, status.word),
    duration(request.ms),
    count(request.retries ?? 0),
    request.override && h("code", null, request.override),
    request.error,
  ];
  return h("tr", { data: { id: request.id } }, cells.map((cell, at) => {
    const label = HEADS[at];
    const props = { class: CLASSES[label], data: { label } };
    if (at === 0) return h("th", { ...props, scope: "row" }, cell);
    if (cell) return h("td", props, cell);
    return h("td", { ...props, class: `${props.class ?? ""} none muted` }, "–");
  }));
}

/** How it ended: `{ status, word }`. */
function outcome({ status, error, failed }) {
  if (status == null) return { status: "bad", word: "no answer" };
  if (failed || status >= 500 || error) return { status: "bad", word: String(status) };
  return { status: status >= 400 ? "warn" : "ok", word: String(status) };
}

/** A link to how the name is delegated now, under the same override. */
function delegator({ router, override }, path, of) {
  if (!path) return null;
  const query = new URLSearchParams({ router, path });
  if (override) query.set("dtab", override);
  return h("a", { class: of, href: `/delegator?${query}` }, path);
}

function time(text) {
  const at = new Date(text);
  const millis = String(at.getMilliseconds()).padStart(3, "0");
  return h("time", { datetime: text, title: at.toLocaleString("en-GB") }, `${at.toLocaleTimeString("en-GB", { hour12: false })}.${millis}`);
}

function hrefOf(id) {
  const url = new URL(location.href);
  url.searchParams.set("id", id);
  return `${url.pathname}${url.search}`;
}

function wanted() {
  const [router, failed] = [field("router")?.value ?? "", field("failed").checked];
  const words = field("q").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (request) => {
    if (router && request.router !== router) return false;
    if (failed && outcome(request).status !== "bad") return false;
    if (words.length === 0) return true;
    const text = [request.service, request.client, request.destination, request.method, request.uri, request.status, request.override, request.error, request.trace, request.source]
      .join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return [...requests.values()].filter(matches).slice(0, SHOWN);
}

/** Brings the list up to date, if nobody minds. */
function show(now = false) {
  const list = wanted();
  const held = Date.now() < calm || body.contains(document.activeElement);
  if (paused || (held && !now)) {
    const at = list.findIndex(({ id }) => id === shownUpTo);
    offer(at < 0 ? list.length : at);
    return;
  }
  shownUpTo = list[0]?.id ?? null;
  reconcile(body, list, ({ id }) => id, create);
  offer(0);
  mark();
  region.hidden = list.length === 0;
  nothing.hidden = list.length > 0;
  replace(tally, requests.size > list.length ? `${plural(list.length, "request")} of ${count(requests.size)}` : plural(list.length, "request"));
  if (missing) {
    replace(tally);
    replace(nothing, h("h2", null, "No requests to be had"), h("p", null, "The router does not answer, or does not keep its requests."));
  } else if (list.length === 0) {
    replace(nothing, requests.size > 0
      ? [h("h2", null, "No request like that"), h("p", null, "None of the requests that are kept is like the filter says.")]
      : [h("h2", null, "No requests yet"), h("p", null, "Send one through the router; a failure is here at once, of successes one in many is kept.")]);
  }
}

function offer(number) {
  newer.classList.toggle("offered", number > 0);
  newer.disabled = number === 0;
  const words = number > 0 ? `Show ${count(number)} new` : "No new ones";
  if (newer.textContent !== words) replace(newer, words);
}

function add(list) {
  missing = false;
  const all = new Map(list.map((request) => [request.id, request]));
  for (const [id, request] of requests) if (!all.has(id)) all.set(id, request);
  const sorted = [...all.values()].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  requests = new Map(sorted.slice(0, KEPT).map((request) => [request.id, request]));
  show();
}

async function load() {
  const query = new URLSearchParams({ limit: String(SHOWN) });
  if (field("router")?.value) query.set("router", field("router").value);
  if (field("failed").checked) query.set("failed", "true");
  const answer = await fetch(`/requests.json?${query}`).catch(() => null);
  missing = !answer?.ok && requests.size === 0;
  if (answer?.ok) add(await answer.json());
}

function setPaused() {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  replace(pause, paused ? "Go on" : "Pause");
  show(!paused);
}

const point = (event) => {
  calm = event.pointerType === "mouse" && event.type !== "pointerleave" ? Infinity : Date.now() + CALM;
};
for (const type of ["pointerenter", "pointermove", "pointerleave"]) body.addEventListener(type, point);

function filter() {
  const url = new URL(location.href);
  for (const name of ["router", "q"]) {
    const value = field(name)?.value.trim();
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  if (field("failed").checked) url.searchParams.set("failed", "true");
  else url.searchParams.delete("failed");
  history.replaceState(null, "", url);
  show(true);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
form.addEventListener("input", filter);
// Beyond what is here there may be more of the kind that is asked for.
form.addEventListener("change", load);

// ---- one request ----

const one = byId("request");

/** Shows the request of the address, or none. */
async function open({ focus = true } = {}) {
  const id = new URL(location.href).searchParams.get("id");
  mark();
  if (!id) {
    replace(one);
    one.hidden = true;
    return;
  }
  const answer = await fetch(`/requests/${encodeURIComponent(id)}.json`).catch(() => null);
  if (new URL(location.href).searchParams.get("id") !== id) return;
  one.hidden = false;
  replace(one, answer?.ok ? full(await answer.json()) : gone(answer));
  if (focus) {
    one.querySelector("h2").focus({ preventScroll: true });
    one.scrollIntoView({ block: "nearest" });
  }
}

function mark() {
  const id = new URL(location.href).searchParams.get("id");
  for (const tr of body.children) {
    const is = tr.dataset.id === id;
    if (is) tr.setAttribute("aria-current", "true");
    else tr.removeAttribute("aria-current");
  }
}

function head(...title) {
  return h("div", { class: "card-head" },
    h("h2", { tabindex: "-1" }, title),
    h("button", { type: "button", class: "quiet", on: { click: close } }, "Close"));
}

function gone(answer) {
  const why = answer?.status === 404
    ? "This request is not kept any more: newer ones have taken its place."
    : "This request cannot be shown: the admin server does not answer.";
  return [head("Request"), h("div", { class: "card-body" }, h("p", { class: "notice", data: { status: "warn" } }, why))];
}

function full(request) {
  const { status, word } = outcome(request);
  const query = new URLSearchParams({ router: request.router, path: request.service });
  if (request.override) query.set("dtab", request.override);
  const facts = [
    ["When", time(request.time)],
    ["Status", h("span", { class: "chip", data: { status } }, word)],
    request.error && ["Error", request.error],
    ["Took", `${duration(request.ms)}${request.retries ? `, sent again ${plural(request.retries, "time")}` : ""}`],
    ["From", h("span", { class: "path" }, `${request.source} to ${request.server}`)],
    ["Router", request.router],
    ["Name", h("span", { class: "path" }, request.service)],
    request.client && ["Bound to", h("span", { class: "path" }, request.client)],
    request.destination && ["Endpoint", h("span", { class: "path" }, request.destination)],
    ["Override", request.override ? h("code", null, request.override) : "none"],
    request.trace && ["Trace", h("span", { class: "path" }, request.trace)],
  ].filter(Boolean);
  const steps = request.delegation?.steps ?? [];
  const link = new URL(hrefOf(request.id), location.href).href;
  return [
    head(request.method, " ", h("span", { class: "path" }, request.uri)),
    h("div", { class: "card-body stack" },
      h("dl", { class: "facts" }, facts.map(([term, told]) => [h("dt", null, term), h("dd", null, told)])),
      h("div", { class: "actions" },
        h("a", { class: "button", href: `/delegator?${query}` }, "How it resolves now"),
        h("button", { type: "button", on: { click: () => copy(link, "the link") } }, "Copy link")),
      h("h3", null, "How it was resolved"),
      request.delegation?.summary && h("p", null, request.delegation.summary),
      steps.length > 0 ? drawn(steps, request.delegation.clients) : h("p", { class: "muted" }, "Its delegation was not kept.")),
  ];
}

function drawn(steps, clients) {
  const tree = new Tree();
  tree.show(steps, clients ?? {});
  return tree.element;
}

function go(href) {
  history.pushState(null, "", href);
  open();
}

function close() {
  const url = new URL(location.href);
  const id = url.searchParams.get("id");
  url.searchParams.delete("id");
  go(url.href);
  [...body.children].find((tr) => tr.dataset.id === id)?.querySelector("a").focus();
  announce("Closed");
}

body.addEventListener("click", (event) => {
  const tr = event.target.closest("tr");
  const link = event.target.closest("a");
  if (!tr || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link && !link.closest("th")) return;
  if (!link && String(getSelection())) return;
  event.preventDefault();
  go(hrefOf(tr.dataset.id));
});
addEventListener("popstate", () => open());

await load();
show(true);
live("/requests/events", "requests", add, setState);
if (new URL(location.href).searchParams.has("id")) open({ focus: false });
