// Small dialogs: the key, the keyboard.

import * as api from "./api.js";
import { h } from "./dom.js";

export function askForKey(then) {
  if (document.querySelector("dialog.key")) return;
  const input = h("input", { id: "key", type: "password", autocomplete: "current-password", required: true, maxlength: "1024" });
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h("form", { method: "dialog" },
    h("h2", {}, "This index asks for a key"),
    h("label", { for: "key" }, "Key"), input, problem,
    h("button", { class: "strong", type: "submit" }, "Open"));
  const dialog = h("dialog", { class: "small key", "aria-label": "Key" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await api.signIn(input.value);
      dialog.remove();
      then();
    } catch (error) {
      problem.textContent = error.message;
      input.select();
    }
  });
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
}

const KEYS = [
  ["/", "ask"],
  ["j, k or arrows", "next and previous hit; in a page, the next and previous page"],
  ["Enter", "open the hit"],
  ["z", "fit the page or show it large"],
  ["m", "show or hide the marks"],
  ["Escape", "close"],
  ["?", "this list"],
];

export function showKeys() {
  const close = h("button", { class: "strong", type: "submit", autofocus: true }, "Close");
  const dialog = h("dialog", { class: "small", "aria-label": "Keyboard" },
    h("form", { method: "dialog" }, h("h2", {}, "Keyboard"),
      h("dl", {}, KEYS.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])), close));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
