// <facet-bar>: what there is to choose from, as links that change the address.

import * as api from "./api.js";
import { h } from "./dom.js";
import { address, changes, go, state, toggled } from "./state.js";

const SHOWN = 8;
const KINDS = { pdf: "PDF", image: "Pictures", text: "Text" };

class FacetBar extends HTMLElement {
  #index = null;
  #found = null;
  #listen = (event) => {
    if (event.type === "content") this.#index = null;
    this.update();
  };

  connectedCallback() {
    for (const name of ["change", "content"]) changes.addEventListener(name, this.#listen);
    this.update();
  }

  disconnectedCallback() {
    for (const name of ["change", "content"]) changes.removeEventListener(name, this.#listen);
  }

  async update() {
    if (this.#index !== state.index) {
      this.#index = state.index;
      this.#found = await api.facets(state.index).catch(() => null);
    }
    if (!this.isConnected) return;
    this.#show();
  }

  #show() {
    const found = this.#found ?? { folders: [], kinds: [], years: [], tags: {} };
    const tags = Object.entries(found.tags).filter(([name]) => /^[^\s,()=<>~!"']+$/.test(name));
    const groups = [
      group("Folder", "folder", found.folders),
      group("Kind", "kind", found.kinds, (value) => KINDS[value] ?? value),
      group("Year", "year", found.years),
      ...tags.map(([name, values]) => group(name, "tag", values.map((one) => ({ ...one, value: `${name}=${one.value}` })), (value) => value.slice(name.length + 1))),
    ].filter(Boolean);
    const chosen = ["folder", "kind", "year", "tag"].reduce((sum, name) => sum + state[name].length, 0) + (state.filter ? 1 : 0);
    const open = this.querySelector("details")?.open ?? matchMedia("(min-width: 1080px)").matches;
    this.replaceChildren(
      h("details", { open },
        h("summary", {}, "Filters", chosen ? h("span", { class: "badge" }, String(chosen)) : ""),
        h("div", { class: "groups" }, ...groups, this.#typed()),
        chosen ? h("a", { class: "clear", href: address({ folder: [], kind: [], year: [], tag: [], filter: "", k: "" }), "data-open": "" }, "Remove all filters") : ""));
  }

  #typed() {
    const input = h("input", { id: "filter", name: "filter", spellcheck: "false", autocomplete: "off", placeholder: "page <= 3", maxlength: "8000" });
    input.value = state.filter;
    return h("form", { class: "group", on: { submit: (event) => { event.preventDefault(); go({ filter: input.value.trim(), k: "" }); } } },
      h("label", { for: "filter" }, "Expression"), input);
  }
}

function group(title, name, values, label = (value) => value) {
  const worth = values.length > 1 || state[name].length;
  if (!worth) return null;
  const rows = values.map(({ value, documents }) =>
    h("li", {}, h("a", { class: "facet", href: address({ ...toggled(name, value), k: "" }), "data-open": "", "aria-current": state[name].includes(value) ? "true" : null },
      h("span", {}, label(value) || "none"), h("small", {}, String(documents)))));
  const first = rows.slice(0, SHOWN);
  const rest = rows.slice(SHOWN);
  return h("section", { class: "group" }, h("h3", {}, title), h("ul", {}, first),
    rest.length ? h("details", { class: "rest" }, h("summary", {}, `${rest.length} more`), h("ul", {}, rest)) : "");
}

customElements.define("facet-bar", FacetBar);
