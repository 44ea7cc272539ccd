// What is asked on the delegate page, as its address has it: one link restores the whole view.

/** Addresses longer than this are not sent as one. */
const MAX_ADDRESS = 6000;
/** More folded steps than this are not put into a link. */
const MAX_FOLDED = 200;

const TEXTS = ["router", "path", "method", "url", "dtab", "base", "find"];

/** The state that a query such as `?path=/svc/web&view=graph` describes. */
export function parse(search) {
  const params = new URLSearchParams(search);
  const state = { headers: params.getAll("header").flatMap(lines) };
  for (const name of TEXTS) state[name] = params.get(name) ?? "";
  state.ask = params.get("ask") === "request" || (state.url && !state.path) ? "request" : "path";
  state.view = params.get("view") === "graph" ? "graph" : "tree";
  state.fold = numbers(params.get("fold"));
  state.unfold = numbers(params.get("unfold"));
  state.step = params.has("step") ? numbers(params.get("step"))[0] ?? null : null;
  return state;
}

/** The query of a state, without what is as it is anyway. */
export function write(state) {
  const params = asked(state);
  if (state.ask === "request") params.set("ask", "request");
  if (state.view === "graph") params.set("view", "graph");
  if (state.find) params.set("find", state.find);
  for (const name of ["fold", "unfold"]) {
    const steps = state[name] ?? [];
    if (steps.length > 0 && steps.length <= MAX_FOLDED) params.set(name, steps.join("."));
  }
  if (Number.isInteger(state.step) && state.step > 0) params.set("step", state.step);
  return readable(params);
}

/** The query by which the admin server is asked; without an override or another table if so said. */
export function asks(state, { dtab = true, base = true } = {}) {
  return readable(asked({ ...state, dtab: dtab ? state.dtab : "", base: base ? state.base : "" }));
}

/** Whether a query can be an address. */
export function fits(query) {
  return query.length <= MAX_ADDRESS;
}

/** Whether anything is asked for. */
export function isAsked(state) {
  return (state.ask === "request" ? state.url : state.path).trim() !== "";
}

/** The lines that are not empty. */
export function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

function asked({ ask, router, path, method, url, headers, dtab, base }) {
  const params = new URLSearchParams();
  const put = (name, value) => value && params.append(name, value);
  put("router", router);
  if (ask === "request") {
    put("method", method === "GET" ? "" : method);
    put("url", url.trim());
    for (const header of headers) put("header", header);
  } else {
    put("path", path.trim());
  }
  put("dtab", dtab.trim());
  put("base", base.trim());
  return params;
}

/** Slashes and the like need no escape in a query, and a path is easier to read without. */
function readable(params) {
  const plain = { "%2F": "/", "%3A": ":", "%2C": "," };
  return params.toString().replace(/%2F|%3A|%2C/g, (escaped) => plain[escaped]);
}

function numbers(text) {
  return (text ?? "").split(".").filter(Boolean).map(Number).filter((number) => Number.isInteger(number) && number >= 0);
}
