// The examples of the help page, which are resolved anew as they are changed.

import { STATES, clean } from "./delegation.js";
import { h, replace } from "./dom.js";
import { Editor } from "./editor.js";
import { renderSteps } from "./rows.js";

/** How long nothing is typed before an example is resolved. */
const PAUSE = 250;

for (const form of document.querySelectorAll(".example-form")) follow(form);

/** Resolves an example whenever it is changed, and offers to put it back. */
function follow(form) {
  for (const field of form.querySelectorAll("textarea")) new Editor(field);
  const answer = form.parentElement.querySelector(".example-answer");
  answer.setAttribute("aria-live", "polite");
  const back = h("button", { type: "button", class: "quiet", hidden: true, on: { click: reset } }, "Put back");
  form.querySelector(".example-line").append(back);
  let typing = null;
  let asking = null;
  form.addEventListener("input", changed);

  function changed() {
    back.hidden = [...form.elements].every((field) => !("defaultValue" in field) || field.value === field.defaultValue);
    clearTimeout(typing);
    typing = setTimeout(resolve, PAUSE);
  }

  function reset() {
    form.reset();
    changed();
    form.elements.namedItem("path").focus();
  }

  async function resolve() {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const params = new URLSearchParams(new FormData(form));
    // Without any table it would be the router's own that answers.
    if (params.get("base").trim() === "") params.set("base", "# nothing");
    answer.setAttribute("aria-busy", "true");
    try {
      const response = await fetch("/delegation.json", { method: "POST", body: params, signal });
      if (response.ok) show(await response.json());
      else replace(answer, h("pre", { class: "code" }, (await response.text()).trim()));
    } catch (error) {
      if (error.name === "AbortError") return;
      replace(answer, h("p", { class: "notice", data: { status: "bad" } }, "The server does not answer."));
    }
    answer.removeAttribute("aria-busy");
  }

  function show({ state, path, summary, steps }) {
    const [status, word] = STATES[state] ?? ["idle", state];
    const sentence = state === "bound" ? `${path}: ${summary}` : summary;
    replace(
      answer,
      h(
        "p",
        { class: "verdict-line" },
        h("span", { class: "chip", data: { status } }, word),
        " ",
        h("span", { class: "example-sentence" }, clean(sentence)),
      ),
      renderSteps(steps),
    );
  }
}
