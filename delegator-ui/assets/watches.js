// Watches: asked for again every other second while the page is seen.

import { byId, h, reconcile, replace } from "./dom.js";
import { setState } from "./shell.js";
import { age, clock, count } from "./format.js";

const EACH = 2000;
const STATES = {
  ok: { status: "ok", word: "up to date" },
  pending: { status: "pending", word: "pending" },
  neg: { status: "idle", word: "does not exist" },
  failed: { status: "bad", word: "failed" },
};

/** A table of the page, filled with rows of texts, `{ status, word }` and `{ since }`. */
function filler(id) {
  const section = byId(id);
  const body = section.querySelector("tbody");
  const labels = [...section.querySelectorAll("thead th")].map((th) => th.textContent);
  const table = section.querySelector(".table-scroll");
  const none = section.querySelector(".empty-line");
  const create = () => h("tr", null, labels.map((label, at) => h(at === 0 ? "th" : "td", {
    scope: at === 0 ? "row" : null,
    class: at === 0 || label === "Namer" ? "path" : label === "Error" ? "reason" : null,
    data: { label },
  })));
  const update = (tr, { cells }) => cells.forEach((cell, at) => put(tr.children[at], cell));
  let taken = false;
  return (rows) => {
    // What the server has written is written anew once: its rows have no keys.
    if (!taken) replace(body);
    taken = true;
    table.hidden = rows.length === 0;
    none.hidden = rows.length > 0;
    reconcile(body, rows, ({ key }) => key, create, update);
  };
}

function put(td, cell) {
  const state = typeof cell === "object" && cell !== null ? cell : null;
  const text = state ? state.word ?? `${age(Date.now() - state.since)} ago` : cell || "–";
  if (td.textContent !== text) {
    if (state?.since) replace(td, h("time", { datetime: new Date(state.since).toISOString() }, text));
    else replace(td, state ? h("span", { class: "chip" }, text) : text);
  }
  if (state?.status) td.firstChild.dataset.status = state.status;
  if (state?.since) td.firstChild.title = `${new Date(state.since).toLocaleDateString("en-GB")} ${clock(state.since)}`;
}

const watches = filler("discovery");
const sources = filler("sources");
const certificates = filler("certificates");

async function json(path) {
  const answer = await fetch(path);
  return answer.ok ? answer.json() : null;
}

function stateOf({ state, error }) {
  if (state === "ok" && error) return { status: "warn", word: "last good state" };
  return STATES[state] ?? { status: "idle", word: String(state) };
}

async function refresh() {
  if (document.hidden) return;
  try {
    const [of, reload, tls, routers] = await Promise.all(
      ["/watches.json", "/admin/reload", "/certificates.json", "/routers.json"].map(json));
    if (of) watches(Object.entries(of).flatMap(([namer, list]) => list.map((watch) => ({
      key: `${namer} ${watch.name}`,
      cells: [watch.name, namer, stateOf(watch), { since: watch.since * 1000 }, count(watch.version), watch.error],
    }))));
    if (reload && routers) sources(routers.map((router) => ({
      key: router.label,
      cells: [
        router.label,
        "the configuration",
        reload.lastError ? { status: "warn", word: "last good state" } : STATES.ok,
        { since: reload.loaded },
        count(reload.reloads),
        reload.lastError?.message,
      ],
    })));
    if (tls) certificates(tls.map((one) => ({
      key: one.subject,
      cells: [
        one.subject,
        one.files.join(", "),
        one.error ? { status: "warn", word: "last good state" } : STATES.ok,
        { since: one.since },
        one.error,
      ],
    })));
    setState("live");
  } catch {
    setState("lost", { retryIn: EACH });
  }
}

await refresh();
setInterval(refresh, EACH);
document.addEventListener("visibilitychange", refresh);
