// The delegate page: asks where a name or a request goes, shows the way, and keeps it up to date.

import { STATES, clean, entriesOfTheWay, entry, placeInWords } from "./delegation.js";
import { byId, h, replace } from "./dom.js";
import { clock, plural } from "./format.js";
import { live } from "./live.js";
import { asks, fits, isAsked, lines, parse, write } from "./query.js";
import { announce, setState } from "./shell.js";
import { Steps } from "./steps.js";

/** More entries than this are counted. */
const MAX_ENTRIES = 3;
/** Entries longer than this are told by their left side. */
const MAX_ENTRY = 100;

const form = byId("ask");
const answer = byId("answer");
const verdict = h("div", { class: "verdict" });
const note = h("p", { class: "muted small" });
const steps = new Steps({ onView: remember });

let state = current();
let stream = null;
let asking = null;
let shown = null;
let shownAt = 0;
/** Answers to the question without a part of it, with what they are called. */
let others = [];
/** Since when each bound name is as it is, in milliseconds since 1970. */
let since = {};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  askAnew(fromForm());
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.addEventListener("focusin", offerNames, { once: true });
addEventListener("popstate", () => {
  state = current();
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

/** What the address asks. Without a router it is the one that the form has. */
function current() {
  const asked = parse(location.search);
  return { ...asked, router: asked.router || fromForm().router };
}

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
  if (!isAsked(state)) return;
  document.title = `${state.ask === "request" ? state.url : state.path} · Delegate · Fingerpost`;
  answer.setAttribute("aria-busy", "true");
  const query = asks(state);
  try {
    const [response, found] = await Promise.all([question(query, signal), askOthers(signal), askSince()]);
    if (!response.ok) {
      showWrong(response.status, await response.text());
      return;
    }
    others = found;
    show(await response.json());
  } catch (error) {
    if (error.name === "AbortError") return;
    showWrong(null, "The server does not answer.");
  } finally {
    if (!signal.aborted) answer.removeAttribute("aria-busy");
  }
  if (fits(query) && !signal.aborted) stream = live(`/delegation/events?${query}`, "delegation", show, connected);
}

function question(query, signal) {
  return fits(query)
    ? fetch(`/delegation.json?${query}`, { signal })
    : fetch("/delegation.json", { method: "POST", body: new URLSearchParams(query), signal });
}

/** What an override, or another table, changes: the answers there are without it. */
async function askOthers(signal) {
  const wanted = [];
  if (state.dtab.trim()) wanted.push(["Without the override", { dtab: false }]);
  if (state.base.trim()) wanted.push(["With the router’s own table", { base: false }]);
  const found = wanted.map(async ([label, parts]) => {
    const response = await question(asks(state, parts), signal);
    return response.ok ? [[label, await response.json()]] : [];
  });
  return (await Promise.all(found)).flat();
}

/** Asks the watches since when names are as they are. */
async function askSince() {
  try {
    const watches = Object.values(await (await fetch("/watches.json")).json()).flat();
    since = Object.fromEntries(watches.map((watch) => [watch.name, watch.since * 1000]));
  } catch {
    // Not every source has watches.
  }
}

/** Asks anew after a change for what goes with the answer. */
async function refresh(now) {
  try {
    const [found] = await Promise.all([askOthers(asking.signal), askSince()]);
    if (shown !== now) return;
    others = found;
    steps.show(now, { since });
    showVerdict(now);
  } catch {
    // What was found before stays until the next change.
  }
}

function connected(now, detail) {
  setState(now, detail);
  // Trying again is not having it again.
  if (now === "connecting") return;
  const isLost = now === "lost";
  steps.element.classList.toggle("lost", isLost);
  showNote(isLost);
}

/** Whose answer it is, and of when; a line that is always there, so that nothing moves. */
function showNote(isLost = false) {
  const of = shown?.router ? `Router ${shown.router}, ` : "";
  replace(note, isLost ? `${of}as it was at ${clock(shownAt)}: the connection is lost` : `${of}as of ${clock(shownAt)}`);
}

function showWrong(status, sentence) {
  const title = status === null ? "No answer" : "This cannot be asked";
  // A mistake in a dtab is drawn below its line: the columns matter.
  const words = sentence.trim();
  setState(null);
  const body = words.includes("\n") ? h("pre", { class: "code" }, words) : h("p", null, words);
  replace(answer, h("div", { class: "notice", data: { status: "bad" }, role: "alert" }, h("div", null, h("strong", null, title), body)));
}

function show(now) {
  const isFirst = shown === null;
  const wasLike = shown?.summary;
  shown = now;
  shownAt = Date.now();
  const changes = steps.show(now, { since, state: isFirst ? state : null });
  if (isFirst) {
    replace(answer, verdict, steps.element);
    steps.element.classList.remove("lost");
    steps.attached();
  }
  if (isFirst || changes > 0 || wasLike !== now.summary) {
    showVerdict(now);
    if (!isFirst) refresh(now);
    const told = wasLike === now.summary ? plural(changes, "step changed", "steps changed") : sentenceOf(now);
    announce(isFirst ? sentenceOf(now) : `Changed: ${told}`);
  }
}

/** What becomes of the name, beginning with it. */
function sentenceOf({ state: outcome, path, summary }) {
  return outcome === "bound" && path ? `${path}: ${summary}` : summary;
}

function showVerdict(now) {
  const { request } = now;
  if (request?.error) {
    replace(verdict, line(["bad", "no name"], `No identifier names this request: ${request.error}`));
    return;
  }
  showNote();
  replace(
    verdict,
    line(STATES[now.state] ?? ["idle", now.state], sentenceOf(now)),
    request && fact("Named", h("code", null, request.name), ` by ${request.identifier}`),
    way(steps.tree.root ? entriesOfTheWay(steps.tree.root) : []),
    others.map(([label, other]) => {
      const isSame = other.summary === now.summary && other.state === now.state;
      return fact(label, isSame ? "the same: it changes nothing here" : other.summary);
    }),
    note,
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

function fact(label, ...told) {
  return h("p", { class: "verdict-fact" }, h("span", { class: "verdict-label" }, label), h("span", null, told));
}

/** The entries that requests go by. */
function way(entries) {
  if (entries.length === 0) return null;
  const told = entries.slice(0, MAX_ENTRIES).map((dentry, nth) => [
    nth > 0 && ", ",
    h("code", null, shortEntry(dentry)),
    h("span", { class: "muted small" }, ` ${clean(placeInWords(dentry))}`),
  ]);
  const more = entries.length - MAX_ENTRIES;
  return fact("By", told, more > 0 && ` and ${plural(more, "more entry", "more entries")}`);
}

/** An entry, without its right side if that is long: the tree has it in full. */
function shortEntry(dentry) {
  const whole = entry(dentry);
  return whole.length > MAX_ENTRY ? `${dentry.prefix} => …` : whole;
}
