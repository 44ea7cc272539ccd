// The page that says why not. Its answer is the server's; this makes what is there easier to copy.

import { byId, h } from "./dom.js";
import { Editor } from "./editor.js";
import { copy } from "./shell.js";

const form = byId("why");
const editors = ["dtab", "base"].map((id) => new Editor(byId(id)));
offerWords();

for (const block of document.querySelectorAll("pre[data-copy]")) {
  const run = () => copy(block.textContent, block.dataset.copy);
  const actions = block.parentElement.querySelector(".actions");
  actions?.prepend(h("button", { type: "button", on: { click: run } }, "Copy the command"));
}
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
// An address is easier to read without what is empty.
form.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (String(value).trim() === "") formData.delete(name);
});

/** Names of the router, for whoever types a table. */
async function offerWords() {
  try {
    const asked = new URLSearchParams({ router: byId("router").value });
    const words = await (await fetch(`/dtab/words.json?${asked}`)).json();
    for (const editor of editors) editor.words = words;
  } catch {
    // One types as well without them.
  }
}
