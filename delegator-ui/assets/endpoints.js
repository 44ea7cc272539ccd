// How clients and their endpoints fare, in words: what state each is in, and why.

import { h, reconcile, replace } from "./dom.js";
import { count, duration, percent, plural, rate } from "./format.js";

/** A share of requests as `99.5 %`; what is not all is never rounded up to it. */
export function share(of) {
  if (of == null || of === 1) return percent(of);
  return `${(Math.floor(of * 1000) / 10).toFixed(1)} %`;
}

/** A latency, which is known in whole milliseconds: none at all is less than one. */
export function latency(ms) {
  return ms === 0 ? "<1 ms" : duration(ms);
}

/** An endpoint's state: `{ status, word, why }`. */
export function health(endpoint) {
  const failed = plural(endpoint.failures ?? 0, "failure");
  switch (endpoint.state) {
    case "dead": {
      const cause = endpoint.success_rate == null
        ? `${failed} in a row`
        : `only ${share(endpoint.success_rate)} of its requests succeed`;
      return { status: "bad", word: "dead", why: `${cause}; tried again in ${duration(endpoint.probe_in_ms ?? 0)}` };
    }
    case "probing":
      return { status: "warn", word: "probing", why: `after ${failed} in a row, one request shows whether it is back` };
    case "failed_fast":
      return { status: "bad", word: "no connection", why: `cannot be connected to for ${duration(endpoint.since_ms ?? 0)}` };
    case "open":
      return { status: "ok", word: "healthy", why: endpoint.failures > 0 ? `${failed} in a row so far` : "" };
    default:
      return { status: "idle", word: String(endpoint.state ?? "unknown"), why: "" };
  }
}

/** The state of a client from those of its endpoints: `{ status, word }`. */
export function fitness(client) {
  const endpoints = client.endpoints ?? [];
  if (endpoints.length === 0) {
    if (client.state == null) return { status: "idle", word: "not in use" };
    const state = String(client.state);
    if (state.startsWith("Pending")) return { status: "pending", word: "not known yet" };
    if (state.startsWith("Failed")) return { status: "bad", word: "discovery failed" };
    return { status: "bad", word: "no address" };
  }
  const healthy = endpoints.filter(({ state }) => state === "open").length;
  if (healthy === endpoints.length) return { status: "ok", word: `${count(healthy)} healthy` };
  const status = healthy === 0 ? "bad" : "warn";
  return { status, word: `${count(healthy)} of ${count(endpoints.length)} healthy` };
}

/** A chip that changes: `show({ status, word })`. */
export function chip() {
  const element = h("span", { class: "chip" });
  return {
    element,
    show({ status, word }) {
      if (element.dataset.status !== status) element.dataset.status = status;
      if (element.textContent !== word) replace(element, word);
    },
  };
}

const HEADS = [
  ["Endpoint"],
  ["State"],
  ["Why"],
  ["Weight", "num", "Its share beside the others, from discovery"],
  ["Load", "num", "Requests in flight"],
  ["Peak EWMA", "num", "Average response time that rises with a peak at once and falls slowly; only with the balancer `ewma`"],
  ["Failures", "num", "Failures in a row"],
];

/** The table of a client's endpoints: `{ element, show(client) }`. */
export function endpoints() {
  const body = h("tbody");
  const table = h("table", { class: "data" },
    h("caption", { class: "visually-hidden" }, "Endpoints"),
    h("thead", null, h("tr", null, HEADS.map(([label, kind, title]) => h("th", { scope: "col", class: kind, title }, label)))),
    body);
  const none = h("p", { class: "muted" });
  const element = h("div", { class: "endpoints" }, h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Endpoints" }, table), none);

  function create() {
    const state = chip();
    const cells = Array.from({ length: HEADS.length }, (_, at) => (at === 0
      ? h("th", { scope: "row", class: "path" })
      : h("td", { class: HEADS[at][1] })));
    cells[1].append(state.element);
    return Object.assign(h("tr", null, cells), { cells_: cells, state });
  }

  function update(tr, endpoint) {
    const shown = health(endpoint);
    tr.state.show(shown);
    const texts = [
      endpoint.address,
      null,
      shown.why,
      rate(endpoint.weight),
      count(endpoint.load),
      duration(endpoint.peak_ewma_ms),
      count(endpoint.failures),
    ];
    texts.forEach((now, at) => {
      if (now !== null && tr.cells_[at].textContent !== now) replace(tr.cells_[at], now);
    });
  }

  return {
    element,
    show(client) {
      const list = client.endpoints ?? [];
      const state = String(client.state ?? "");
      table.hidden = list.length === 0;
      none.hidden = list.length > 0;
      const why = client.state == null
        ? "No name that is in use is bound to it any more."
        : state.startsWith("Failed") ? state : "Discovery gives no address for this name, so requests for it fail.";
      if (!none.hidden && none.textContent !== why) replace(none, why);
      reconcile(body, list, ({ address }) => address, create, update);
    },
  };
}
