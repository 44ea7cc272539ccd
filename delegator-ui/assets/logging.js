// Logging: sets levels without leaving the page. Without this the forms do the same by themselves.

import { byId, replace } from "./dom.js";
import { toast } from "./shell.js";

const main = byId("main");

main.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const text = await answer.text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const levels = page.getElementById("levels");
    if (!levels) throw new Error(text.length < 500 ? text : `status ${answer.status}`);
    const told = page.getElementById("result");
    replace(byId("levels"), ...levels.childNodes);
    toast(told?.textContent.trim() || "Done", { status: told?.dataset.status ?? "ok" });
    byId("levels").querySelector(`[data-logger="${CSS.escape(form.elements.namedItem("logger").value)}"] select`)?.focus();
    if (told?.dataset.status === "ok" && form.id === "add") form.reset();
  } catch (error) {
    toast(`The level is not set: ${error.message}`, { status: "bad" });
  } finally {
    button.disabled = false;
  }
});
