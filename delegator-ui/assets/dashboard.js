// The dashboard: routers, services and clients, live.
//
// The server has written the page with the figures of its moment; this takes over from there. One
// stream of events feeds everything; a row that is opened fetches its own history and goes on from it.

import { byId, h, reconcile, replace } from "./dom.js";
import { live } from "./live.js";
import { copy, setState } from "./shell.js";
import { sparkline } from "./chart.js";
import { table } from "./table.js";
import { clock, count, plural, rate } from "./format.js";
import { chip, fitness, latency, share } from "./endpoints.js";
import { detailOf } from "./detail.js";
import { Trends } from "./trends.js";

const trends = { routers: new Trends(), services: new Trends(), clients: new Trends() };
const KINDS = Object.keys(trends);
/** A gap between events, in milliseconds, that is asked about. */
const MISSED = 10_000;
const nameOf = (row) => `${row.router} ${row.name ?? ""}`;

/** What is shown: made with the first figures, since it depends on them. */
let page = null;
let paused = false;
/** The newest figures. */
let stats = null;

const notice = h("div", { class: "notice", data: { status: "warn" }, role: "status", hidden: true });
const pause = h("button", { type: "button", "aria-pressed": "false", on: { click: () => setPaused(!paused) } }, "Pause");
document.querySelector(".page-head").append(h("div", { class: "actions" }, pause));

/** The figures of now, with what was before. */
async function begin() {
  const answer = await fetch("/stats.json").catch(() => null);
  if (!answer?.ok) return;
  const data = await answer.json();
  const { interval = 5000, ...past } = data.history ?? {};
  for (const kind of KINDS) trends[kind].seed((data[kind] ?? []).map(nameOf), past[kind] ?? [], interval);
  stats = null;
  take(data);
}

/** New figures: remembered always, shown unless the reader has asked for a pause. */
function take(data) {
  // Nobody has listened for a while: the router knows what was in between.
  const missed = stats && data.now - stats.now > MISSED;
  stats = data;
  if (missed) begin();
  for (const kind of KINDS) {
    const rows = data[kind] ?? [];
    for (const row of rows) trends[kind].add(nameOf(row), data.now, row.rps);
    trends[kind].keep(new Set(rows.map(nameOf)));
  }
  if (!paused) show();
}

function show() {
  page ??= build();
  reconcile(page.strips, stats.routers ?? [], nameOf, strip, (element, row) => element.show(row));
  page.services.show(stats.services ?? []);
  page.clients.show(stats.clients ?? []);
  page.rest.hidden = !stats.left_out;
  if (stats.left_out) replace(page.rest, `${plural(stats.left_out, "row")} with the fewest requests are not shown.`);
  page.restore?.();
  page.restore = null;
}

function build() {
  const query = new URL(location.href).searchParams;
  const several = (stats.routers ?? []).length > 1;
  const tables = {
    services: table(columns("services", "Service", several), {
      heading: "Services",
      noun: ["service", "services"],
      empty: byId("first-request"),
      ...shared("service", "services"),
    }),
    clients: table(columns("clients", "Client", several), {
      heading: "Clients",
      noun: ["client", "clients"],
      empty: byId("no-client"),
      ...shared("client", "clients"),
    }),
  };
  const strips = h("div", { class: "strips" });
  const routers = h("section", { class: "stack", "aria-labelledby": "routers" }, h("h2", { id: "routers" }, "Routers"), strips);
  byId("dashboard").hidden = false;
  const rest = h("p", { class: "muted", hidden: true });
  replace(byId("dashboard"), notice, routers, tables.services.element, tables.clients.element, rest);
  for (const [kind, of] of [["service", "services"], ["client", "clients"]]) {
    const sort = query.get(`${kind}-sort`);
    if (sort) tables[of].sortBy(sort.replace(/^-/, ""), sort.startsWith("-"));
    tables[of].filterBy(query.get(`${kind}-filter`) ?? "");
  }
  const restore = () => {
    tables.services.open(query.get("service"));
    tables.clients.open(query.get("client"));
  };
  return { strips, rest, restore, ...tables };
}

/** What the tables of services and clients have in common. */
function shared(kind, of) {
  return {
    id: of,
    sort: "rps",
    name: nameOf,
    words: (row) => `${row.name} ${row.router}`,
    detail: (row) => detailOf(kind, row, () => stats),
    opened: (name) => remember({ [kind]: name }),
    changed: ({ filter, key, descending }) => remember({
      [`${kind}-filter`]: filter || null,
      [`${kind}-sort`]: key === "rps" && descending ? null : `${descending ? "-" : ""}${key}`,
    }),
  };
}

/** Keeps what is open, sorted and filtered in the address, so that it can be shared. */
function remember(values) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.replaceState(null, "", url);
}

// ---- the tables ----

function columns(kind, label, several) {
  const number = (key, heading, title, write) => (
    { key, label: heading, title, numeric: true, sort: (row) => row[key], text: (row) => write(row[key]) });
  const all = [
    { key: "name", label, sort: (row) => row.name, text: (row) => row.name },
    several && { key: "router", label: "Router", sort: (row) => row.router, text: (row) => row.router },
    kind === "clients" && { key: "health", label: "Endpoints", sort: unfit, cell: fitnessCell },
    // In order of the average of some seconds: rows that are as busy as each other stay in their places.
    {
      ...number("rps", "Requests/s", "Requests per second", rate),
      sort: (row) => trends[kind].smooth(nameOf(row)),
    },
    { key: "trend", label: "Last 5 min", cell: () => trendCell(kind) },
    { ...number("success", "Success", "The share of requests that succeed", share), cell: successCell },
    number("p50", "p50", "Half of the requests are answered within this time", latency),
    number("p95", "p95", "95 % of the requests are answered within this time", latency),
    number("p99", "p99", "99 % of the requests are answered within this time", latency),
    number("retries_ps", "Retries/s", "Requests that are sent again, per second", rate),
    number("pending", "Pending", "Requests that are being answered now", count),
    kind === "clients" && number("connections", "Connections", "Open connections", count),
  ];
  return all.filter(Boolean);
}

/** The share of endpoints that do not get requests, so that the worst clients can be put first. */
function unfit(row) {
  const list = row.endpoints ?? [];
  return list.length === 0 ? 1 : list.filter(({ state }) => state !== "open").length / list.length;
}

function fitnessCell() {
  const { element, show } = chip();
  return { element, show: (row) => show(fitness(row)) };
}

function trendCell(kind) {
  const { element, show } = sparkline();
  // Of rows that nobody sees nothing is drawn.
  return { element, show: (row, visible) => visible && show(trends[kind].of(nameOf(row))) };
}

function successCell() {
  const element = h("span", { class: "success" });
  return {
    element,
    show(row) {
      const text = share(row.success);
      if (element.textContent !== text) replace(element, text);
      const level = row.success == null || row.success >= 0.99 ? "" : row.success >= 0.9 ? "warn" : "bad";
      if (element.dataset.level !== level) element.dataset.level = level;
    },
  };
}

// ---- the routers ----

const FIGURES = [
  ["Requests", (row) => rate(row.rps), "/s"],
  ["Success", (row) => share(row.success)],
  ["p50", (row) => latency(row.p50)],
  ["p99", (row) => latency(row.p99)],
  ["Retries", (row) => rate(row.retries_ps), "/s"],
  ["Pending", (row) => count(row.pending)],
  ["Connections", (row) => count(row.connections)],
];

function strip(row) {
  const values = FIGURES.map(() => document.createTextNode(""));
  const figures = h("div", { class: "stats" }, FIGURES.map(([label, , unit], at) => h("div", { class: "stat" },
    h("span", { class: "stat-label" }, label),
    h("span", { class: "stat-value" }, values[at], unit && h("small", null, unit)))));
  const trend = sparkline(60, 240, 44);
  const servers = h("ul", { class: "servers" });
  const more = h("button", { type: "button", "aria-expanded": "false", on: { click: toggle } }, "Charts");
  const below = h("div", { class: "strip-detail" });
  let detail = null;

  function toggle() {
    more.setAttribute("aria-expanded", String(detail === null));
    if (detail) {
      detail.close();
      detail = null;
      replace(below);
    } else {
      detail = detailOf("router", { ...row, name: row.router }, () => stats);
      replace(below, detail.element);
    }
  }

  const element = h("article", { class: "card strip", "aria-label": `Router ${row.router}` },
    h("div", { class: "card-head" },
      h("h3", null, row.router, row.protocol && h("span", { class: "tag" }, row.protocol)), more),
    h("div", { class: "card-body" }, h("div", { class: "strip-figures" }, figures, trend.element), servers, below));
  element.show = (now) => {
    FIGURES.forEach(([, write], at) => {
      const text = write(now);
      if (values[at].data !== text) values[at].data = text;
    });
    trend.show(trends.routers.of(nameOf(now)));
    reconcile(servers, now.servers ?? [], ({ name }) => name, server, (item, of) => item.show(of));
    detail?.show({ ...now, name: now.router });
  };
  return element;
}

function server({ name }) {
  const told = h("span", { class: "muted" });
  const element = h("li", null, h("span", { class: "tag" }, "server"), " ", h("span", { class: "path" }, name.replace(/\/(\d+)$/, ":$1")), " ", told);
  element.show = (row) => {
    const text = `${rate(row.rps)} requests/s, ${plural(row.connections ?? 0, "connection")}`;
    if (told.textContent !== text) replace(told, text);
  };
  return element;
}

// ---- the connection ----

function setPaused(is) {
  paused = is;
  pause.setAttribute("aria-pressed", String(is));
  replace(pause, is ? "Go on" : "Pause");
  setState(is ? "paused" : "live");
  if (!is && stats) show();
}

/** Says whether what is shown is of now. */
function tell(state, more) {
  setState(paused && state === "live" ? "paused" : state, more);
  const lost = state === "lost";
  byId("dashboard").classList.toggle("stale", lost);
  if (lost) {
    const since = stats ? ` What you see is of ${clock(stats.now)}.` : "";
    replace(notice,
      h("p", null, `The connection to the admin server is lost.${since} It is tried again by itself.`),
      h("button", { type: "button", on: { click: () => stream.retry() } }, "Try now"));
  }
  if (state === "live" || lost) notice.hidden = !lost;
  // Before there is anything to be seen it stands alone.
  if (!page && lost) byId("dashboard").before(notice);
}

// ---- the beginning: last, when everything above is there ----

byId("missing")?.remove();
await begin();
const stream = live("/stats/events", "stats", take, tell);
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button.dataset.copy, "the command"));
}
