// The delegate page: asks where a name or a request goes, shows the way, and keeps it up to date.

import { byId, h, replace } from "./dom.js";
import { clock, plural } from "./format.js";
import { live } from "./live.js";
import { asks, fits, isAsked, lines, parse, write } from "./query.js";
import { announce, setState } from "./shell.js";
import { Steps } from "./steps.js";

const STATES = {
  bound: ["ok", "bound"],
  neg: ["bad", "negative"],
  fail: ["bad", "refused"],
  empty: ["warn", "nobody"],
  pending: ["pending", "not known yet"],
  failed: ["bad", "failed"],
};

const form = byId("ask");
const answer = byId("answer");
const verdict = h("div", { class: "verdict" });
const stale = h("p", { class: "notice", data: { status: "warn" }, hidden: true });
const steps = new Steps({ onView: remember });

let state = parse(location.search);
let stream = null;
let asking = null;
let shown = null;
let shownAt = 0;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  askAnew(fromForm());
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.addEventListener("focusin", offerNames, { once: true });
addEventListener("popstate", () => {
  state = parse(location.search);
  // What there is to see where nothing is asked is the server's page.
  if (!isAsked(state)) location.reload();
  toForm();
  ask();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/delegator?']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  askAnew(parse(new URL(link.href).search));
  toForm();
});
ask();

function askAnew(next) {
  state = { ...next, view: state.view, find: "", fold: [], unfold: [], step: null };
  history.pushState(null, "", `?${write(state)}`);
  ask();
}

/** Keeps the address in step with how the steps are looked at. */
function remember(view) {
  Object.assign(state, view);
  const query = write(state);
  if (fits(query)) history.replaceState(null, "", `?${query}`);
}

function fromForm() {
  const data = new FormData(form);
  const text = (name) => String(data.get(name) ?? "");
  return {
    ask: text("ask") === "request" ? "request" : "path",
    router: text("router"),
    path: text("path"),
    method: text("method"),
    url: text("url"),
    headers: lines(text("header")),
    dtab: text("dtab"),
    base: text("base"),
  };
}

function toForm() {
  const set = (name, value) => {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  };
  set("ask", state.ask);
  for (const name of ["path", "url", "dtab", "base"]) set(name, state[name]);
  set("method", state.method || "GET");
  set("header", state.headers.join("\n"));
  if (state.router) set("router", state.router);
}

/** Names in use, for whoever begins to type one. Without them one types as well. */
async function offerNames() {
  try {
    const query = state.router ? `?router=${encodeURIComponent(state.router)}` : "";
    const words = await (await fetch(`/dtab/words.json${query}`)).json();
    replace(byId("names"), words.names.slice(0, 200).map((value) => h("option", { value })));
  } catch {
    // Not every source knows names.
  }
}

/** Asks once, and then listens for what changes. */
async function ask() {
  stream?.close();
  stream = null;
  asking?.abort();
  asking = new AbortController();
  const { signal } = asking;
  shown = null;
  stale.hidden = true;
  if (!isAsked(state)) return;
  document.title = `${state.ask === "request" ? state.url : state.path} · Delegate · Fingerpost`;
  answer.setAttribute("aria-busy", "true");
  const query = asks(state);
  try {
    const response = fits(query)
      ? await fetch(`/delegation.json?${query}`, { signal })
      : await fetch("/delegation.json", { method: "POST", body: new URLSearchParams(query), signal });
    if (!response.ok) {
      showWrong(response.status, await response.text());
      return;
    }
    show(await response.json());
  } catch (error) {
    if (error.name === "AbortError") return;
    showWrong(null, "The server does not answer.");
  } finally {
    if (!signal.aborted) answer.removeAttribute("aria-busy");
  }
  if (fits(query) && !signal.aborted) stream = live(`/delegation/events?${query}`, "delegation", show, connected);
}

function connected(now, detail) {
  setState(now, detail);
  const isLost = now === "lost";
  stale.hidden = !isLost;
  if (isLost) replace(stale, h("span", null, `The connection is lost: this is how it was at ${clock(shownAt)}.`));
  steps.element.classList.toggle("lost", isLost);
}

function showWrong(status, sentence) {
  const title = status === null ? "No answer" : "This cannot be asked";
  // A mistake in a dtab is drawn below its line: the columns matter.
  const words = sentence.trim();
  const body = words.includes("\n") ? h("pre", { class: "code" }, words) : h("p", null, words);
  replace(answer, h("div", { class: "notice", data: { status: "bad" }, role: "alert" }, h("div", null, h("strong", null, title), body)));
}

function show(now) {
  const isFirst = shown === null;
  const wasLike = shown?.summary;
  shown = now;
  shownAt = Date.now();
  const changes = steps.show(now, isFirst ? state : null);
  if (isFirst) {
    replace(answer, verdict, stale, steps.element);
    steps.attached();
  }
  if (isFirst || changes > 0 || wasLike !== now.summary) {
    showVerdict(now);
    compare(now);
    const told = wasLike === now.summary ? plural(changes, "step changed", "steps changed") : sentenceOf(now);
    announce(isFirst ? sentenceOf(now) : `Changed: ${told}`);
  }
}

/** What becomes of the name, beginning with it. */
function sentenceOf({ state: outcome, path, summary }) {
  return outcome === "bound" && path ? `${path}: ${summary}` : summary;
}

function showVerdict(now) {
  const { request, router, override } = now;
  if (request?.error) {
    replace(verdict, line(["bad", "no name"], `No identifier names this request: ${request.error}`));
    return;
  }
  replace(
    verdict,
    line(STATES[now.state] ?? ["idle", now.state], sentenceOf(now)),
    request && fact("Named", request.name, ` by ${request.identifier}`),
    override && fact("Override", override),
    h("div", { class: "verdict-compared" }),
    h("p", { class: "muted small" }, `${router ? `Router ${router}, ` : ""}as of ${clock(shownAt)}`),
  );
}

function line([status, word], sentence) {
  return h(
    "p",
    { class: "verdict-line" },
    h("span", { class: "chip", data: { status } }, word),
    h("span", { class: "verdict-sentence" }, sentence),
  );
}

function fact(label, code, rest) {
  return h("p", { class: "verdict-fact" }, h("span", { class: "verdict-label" }, label), h("code", null, code), rest);
}

/** What an override, or another table, changes: the destinations there were without it. */
async function compare(now) {
  const wanted = [];
  if (state.dtab.trim()) wanted.push(["Without the override", { dtab: false }]);
  if (state.base.trim()) wanted.push(["With the router's own table", { base: false }]);
  const found = [];
  for (const [label, parts] of wanted) {
    try {
      const query = asks(state, parts);
      if (!fits(query)) continue;
      const response = await fetch(`/delegation.json?${query}`);
      const other = response.ok ? await response.json() : null;
      if (!other || shown !== now) return;
      found.push([label, now.summary === other.summary && now.state === other.state, other.summary]);
    } catch {
      return;
    }
  }
  const box = verdict.querySelector(".verdict-compared");
  if (box) replace(box, found.map(comparedLine));
}

function comparedLine([label, isSame, was]) {
  return h(
    "p",
    { class: "verdict-fact" },
    h("span", { class: "verdict-label" }, label),
    h("span", null, isSame ? "the same: it changes nothing here" : was),
  );
}
