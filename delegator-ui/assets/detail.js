// What a row of the dashboard opens: its charts over the last minutes, and a client's endpoints.

import { h, replace } from "./dom.js";
import { charts } from "./chart.js";
import { count, duration, percent, rate } from "./format.js";
import { endpoints, latency, share } from "./endpoints.js";

/** How many seconds are charted. */
const LENGTH = 300;
const VALUES = ["rps", "failures_ps", "success", "p50", "p95", "p99", "retries_ps", "connections"];

const perSecond = (value) => `${rate(value)}/s`;
/** Round numbers, as they stand at an axis. */
const round = (value) => (value >= 1000 ? `${value / 1000}k` : String(value));
const CHARTS = [
  {
    title: "Requests per second",
    format: perSecond,
    axis: round,
    least: 1,
    series: [
      { key: "rps", label: "all", style: "line-1" },
      { key: "failures_ps", label: "failures", style: "line-bad" },
    ],
  },
  {
    title: "Success rate",
    format: share,
    axis: percent,
    bounds: nearOne,
    series: [{ key: "success", label: "succeed", style: "line-1" }],
  },
  {
    title: "Latency",
    format: latency,
    axis: duration,
    least: 1,
    series: [
      { key: "p50", label: "p50", style: "line-1" },
      { key: "p95", label: "p95", style: "line-2" },
      { key: "p99", label: "p99", style: "line-3" },
    ],
  },
  { title: "Retries per second", format: perSecond, axis: round, least: 1, series: [{ key: "retries_ps", label: "sent again", style: "line-1" }] },
  { title: "Connections", format: count, axis: round, least: 4, series: [{ key: "connections", label: "open", style: "line-1" }] },
];

/** The axis of shares begins where something is to be seen, and says so by its numbers. */
function nearOne(values) {
  const least = Math.min(...values, 1);
  return [least >= 0.99 ? 0.99 : least >= 0.9 ? 0.9 : least >= 0.5 ? 0.5 : 0, 1];
}

/**
 * The detail of a row of a kind (`router`, `service`, `client`): `{ element, show(row), close() }`.
 * `stats()` gives the newest figures.
 */
export function detailOf(kind, row, stats) {
  const { router, name } = row;
  const specs = kind === "service" ? CHARTS.filter(({ title }) => title !== "Connections") : CHARTS;
  const group = charts(specs);
  const list = kind === "client" ? endpoints() : null;
  const budget = h("span", { class: "muted" });
  const problem = h("p", { class: "notice", data: { status: "warn" }, hidden: true });
  const path = new URLSearchParams({ router, path: name });
  const search = new URLSearchParams({ router, q: name });
  const links = kind !== "router" && h("div", { class: "row-wrap" },
    h("a", { class: "button", href: `/delegator?${path}` }, "Where it goes, and why"),
    h("a", { class: "button", href: `/requests?${search}` }, "Its latest requests"),
    budget);
  const element = h("div", { class: "stack" }, links, list?.element, problem, group.element);
  let history = null;
  let closed = false;

  load();
  list?.show(row);

  async function load() {
    const about = new URLSearchParams({ kind, router, name });
    try {
      const answer = await fetch(`/stats/history.json?${about}`);
      if (!answer.ok) throw new Error((await answer.text()) || `status ${answer.status}`);
      history = read(await answer.json());
    } catch (error) {
      // From here on the events fill it.
      history ??= read({ at: stats().now });
      replace(problem, `The minutes before now cannot be shown: ${error.message}`);
      problem.hidden = false;
    }
    if (!closed) group.show(history);
  }

  function show(now) {
    list?.show(now);
    const left = typeof now.budget === "number" ? now.budget : now.budget?.balance;
    const told = left == null ? "" : `Retry budget: ${count(left)} left`;
    if (budget.textContent !== told) replace(budget, told);
    const { now: at } = stats();
    if (!history || at <= history.at) return;
    const steps = Math.round((at - history.at) / history.interval);
    // After a pause there is more to know than the newest value.
    if (steps > 3) {
      history.at = at;
      load();
      return;
    }
    for (const key of VALUES) {
      const own = history.values[key];
      for (let n = 1; n < steps; n++) own.push(null);
      own.push(now[key] ?? null);
      own.splice(0, own.length - LENGTH);
    }
    history.at = at;
    group.show(history);
  }

  return {
    element,
    show,
    close() {
      closed = true;
      group.close();
    },
  };
}

function read(answer) {
  const values = Object.fromEntries(VALUES.map((key) => [key, (answer[key] ?? []).slice(-LENGTH)]));
  if (!answer.failures_ps) {
    values.failures_ps = values.rps.map((value, at) => {
      const success = values.success[at];
      return value == null ? null : success == null ? 0 : value * (1 - success);
    });
  }
  return { at: answer.at, interval: answer.interval ?? 1000, length: LENGTH, values };
}
