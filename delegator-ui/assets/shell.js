// What is around every page: theme, connection, messages. Importing it sets them up.

import { h, replace } from "./dom.js";

const STATES = {
  connecting: ["pending", "Connecting"],
  live: ["ok", "Live"],
  lost: ["bad", "Connection lost"],
  paused: ["idle", "Paused"],
};

const THEMES = { system: "System", light: "Light", dark: "Dark" };

const connection = h("span", { class: "chip", hidden: true, role: "status" });
const messages = h("div", { class: "toasts", role: "status" });
const spoken = h("div", { class: "visually-hidden", "aria-live": "polite" });

document.querySelector(".top .tools")?.prepend(connection, themeSwitch());
document.body.append(messages, spoken);
showCurrentPage();

/** Shows the state of the page's live connection; goes with `onState` of `live()`. `null` hides it. */
export function setState(state, { retryIn } = {}) {
  if (state === null) {
    connection.hidden = true;
    return;
  }
  const [status, word] = STATES[state] ?? STATES.connecting;
  connection.hidden = false;
  connection.dataset.status = status;
  connection.title = retryIn ? `Tried again in ${Math.max(1, Math.round(retryIn / 1000))} s` : "";
  // Equal text is not put in again: it would be read out again.
  if (connection.textContent !== word) replace(connection, word);
}

/** Shows a message for a while; with an action until it is taken or dismissed. */
export function toast(message, { status = "info", action } = {}) {
  const shown = h("div", { class: "toast" }, h("span", { class: "chip", data: { status } }, message));
  const away = () => shown.remove();
  if (action) {
    const take = () => {
      away();
      action.run();
    };
    shown.append(
      h("button", { type: "button", on: { click: take } }, action.label),
      h("button", { type: "button", class: "quiet", on: { click: away } }, "Dismiss"),
    );
  } else {
    setTimeout(away, status === "bad" ? 10_000 : 4000);
  }
  while (messages.childElementCount >= 4) messages.firstElementChild.remove();
  messages.append(shown);
}

/** Copies a text; `what` is told: "Copied the link". */
export async function copy(copied, what) {
  try {
    await navigator.clipboard.writeText(copied);
  } catch {
    // Without a secure context there is no clipboard, but a selection can be copied.
    const field = h("textarea", { class: "visually-hidden", readonly: true, value: copied });
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    focused?.focus?.();
    if (!done) {
      toast("The browser does not let this page copy", { status: "bad" });
      return false;
    }
  }
  toast(`Copied ${what}`, { status: "ok" });
  return true;
}

/** Has a sentence read out by a screen reader, without showing it. */
export function announce(sentence) {
  // The same sentence twice is two events: a text that does not change is not read again.
  replace(spoken, spoken.textContent === sentence ? `${sentence}\u00a0` : sentence);
}

/** The theme in force: `light` or `dark`. */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function themeSwitch() {
  const options = Object.entries(THEMES).map(([value, label]) => h("option", { value }, label));
  const select = h("select", { class: "theme", "aria-label": "Theme" }, options);
  select.value = document.documentElement.dataset.theme ?? "system";
  const changed = () => document.dispatchEvent(new CustomEvent("themechange", { detail: theme() }));
  select.addEventListener("change", () => {
    const root = document.documentElement;
    if (select.value === "system") delete root.dataset.theme;
    else root.dataset.theme = select.value;
    try {
      localStorage.setItem("theme", select.value);
    } catch {
      // Then the choice lasts for this page only.
    }
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  return select;
}

/** A narrow page's row of links is scrolled to the one that is open. */
function showCurrentPage() {
  const nav = document.querySelector(".nav");
  const link = nav?.querySelector("[aria-current]");
  if (link) nav.scrollLeft = link.offsetLeft - nav.offsetLeft - (nav.clientWidth - link.clientWidth) / 2;
}
