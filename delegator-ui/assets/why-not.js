// The page that says why not. Its answer is the server's; this makes what is there easier to copy.

import { h } from "./dom.js";
import { copy } from "./shell.js";

const form = document.getElementById("why");

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
