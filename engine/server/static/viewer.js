// <page-viewer>: one page, large, with what matched; its neighbours, its words, pages like it.

import * as api from "./api.js";
import { h, icon, say } from "./dom.js";
import { PagePicture } from "./picture.js";
import { address, changes, go, state } from "./state.js";

class PageViewer extends HTMLElement {
  #dialog = null;
  #asked = null;
  #shown = "";
  #heat = null; // words of the question with their places on this page
  #marks = true;

  connectedCallback() {
    this.#dialog = h("dialog", { class: "viewer", "aria-label": "Page" });
    this.#dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.append(this.#dialog);
    changes.addEventListener("change", () => this.update());
    this.update();
  }

  get open() {
    return this.#dialog.open;
  }

  close() {
    go({ doc: "", p: "", w: "" });
  }

  async update() {
    if (!state.doc) {
      this.#shown = "";
      this.#asked?.abort();
      if (this.#dialog.open) this.#dialog.close();
      return;
    }
    const wanted = JSON.stringify([state.doc, state.p, state.sha, state.q, state.index]);
    if (wanted === this.#shown) return void this.#showHeat();
    this.#shown = wanted;
    this.#heat = null;
    if (!this.#dialog.open) this.#dialog.showModal();
    await this.#load();
  }

  async #load() {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    const [document, number, index, q] = [state.doc, Number(state.p) || 1, state.index, state.q];
    const find = (sha256) =>
      api.onePage(document, number, { index, sha256, q }, asked.signal).catch((error) => {
        if (error.code !== "empty_query") throw error;
        return api.onePage(document, number, { index, sha256 }, asked.signal);
      });
    const wanted = state.sha;
    this.#dialog.setAttribute("aria-busy", "true");
    try {
      const found = await find(wanted).catch(async (error) => {
        if (error.status !== 404 || !wanted || (await api.hasDocument(document, { index, sha256: wanted }, asked.signal))) throw error;
        return find(""); // the file has changed since the link was made
      });
      if (asked !== this.#asked) return;
      const { sha256 } = found.hit;
      this.#show(found, index);
      say(`Page ${number} of ${found.hit.n_pages}, ${document}`);
      if (q) this.#heat = (await api.heat(document, number, { index, sha256, q }, asked.signal).catch(() => null))?.words ?? null;
      if (asked !== this.#asked) return;
      this.#showWords();
      const like = await api.similar({ document, page: number, sha256, index, k: 4 }, asked.signal).catch(() => null);
      if (asked === this.#asked && like) this.#showSimilar(like.results[0].hits, index);
    } catch (error) {
      if (error.name !== "AbortError" && asked === this.#asked) this.#fail(error);
    } finally {
      if (asked === this.#asked) this.#dialog.removeAttribute("aria-busy");
    }
  }

  #show({ hit, text, text_source: source }, index) {
    const before = this.#dialog.querySelector(".viewer-side")?.scrollTop ?? 0;
    this.picture = new PagePicture().show(hit, { index, lazy: false });
    const pixels = Math.min(2400, Math.max(1600, Math.ceil((innerHeight * devicePixelRatio) / 400) * 400));
    this.picture.sharpen(index, pixels);
    this.stage = h("div", { class: "stage", tabindex: "0", "aria-label": "Picture of the page" }, this.picture);
    this.stage.addEventListener("dblclick", () => this.#zoom());
    const sources = { ocr: "read by OCR", "text+ocr": "its text, and what OCR read in its pictures", text: "its own text", none: "" };
    this.#dialog.replaceChildren(
      h("header", { class: "viewer-top" },
        h("div", { class: "turn" },
          turn("left", "Previous page", hit.page > 1 ? hit.page - 1 : null),
          h("span", { class: "number" }, h("b", {}, String(hit.page)), ` / ${hit.n_pages}`),
          turn("right", "Next page", hit.page < hit.n_pages ? hit.page + 1 : null)),
        h("h2", {}, hit.title || hit.document.split("/").at(-1)),
        h("button", { class: "icon", type: "button", title: "Fit or actual size (z)", "aria-label": "Fit or actual size", on: { click: () => this.#zoom() } }, icon("zoom")),
        h("button", { class: "icon", type: "button", title: "Close (Escape)", "aria-label": "Close", on: { click: () => this.close() } }, icon("close"))),
      this.stage,
      h("aside", { class: "viewer-side" },
        h("p", { class: "path" }, hit.document),
        h("div", { class: "words", hidden: true }),
        hit.snippet ? h("p", { class: "snippet" }, hit.snippet) : null,
        h("p", { class: "actions" },
          h("a", { href: api.fileOf(hit, index), target: "_blank", rel: "noopener" }, icon("file"), "Open the file here"),
          h("button", { class: "plain", type: "button", on: { click: (event) => copyLink(event.currentTarget) } }, icon("link"), h("span", {}, "Copy the link"))),
        text ? h("details", { class: "text" }, h("summary", {}, "Words of the page", sources[source] ? h("small", {}, sources[source]) : ""), h("p", {}, text)) : null,
        h("section", { class: "similar", hidden: true })));
    this.#dialog.querySelector(".viewer-side").scrollTop = before;
    this.stage.focus({ preventScroll: true });
  }

  #showWords() {
    const place = this.#dialog.querySelector(".words");
    const words = (this.#heat ?? []).filter((one) => one.places.length);
    if (!words.length || !this.picture.hit.regions.length) return;
    const strongest = Math.max(...words.map((one) => one.weight));
    place.hidden = false;
    place.replaceChildren(
      h("h3", {}, "What of the question is where"),
      h("ul", {}, words.map((one, at) => {
        const word = h("button", { type: "button", class: "word", "aria-pressed": "false", "data-at": String(at), on: { click: () => go({ w: state.w === String(at) ? "" : String(at) }, { replace: true }) } }, one.word);
        word.style.setProperty("--weight", (one.weight / strongest).toFixed(2));
        return h("li", {}, word);
      })));
    this.#words = words;
    this.#showHeat();
  }

  #words = [];

  #showHeat() {
    if (!this.picture) return;
    const chosen = this.#heat && state.w !== "" ? this.#words[Number(state.w)] : null;
    for (const button of this.#dialog.querySelectorAll(".word")) button.setAttribute("aria-pressed", String(button.dataset.at === state.w));
    if (!this.#marks) this.picture.marks([]);
    else if (chosen) this.picture.heat(chosen.places);
    else this.picture.marks(this.picture.hit.regions);
    if (chosen) say(`${chosen.word}: ${chosen.places.length} places on the page`);
  }

  #showSimilar(hits, index) {
    const place = this.#dialog.querySelector(".similar");
    if (!place || !hits.length) return;
    place.hidden = false;
    place.replaceChildren(
      h("h3", {}, "Similar pages"),
      h("ul", {}, hits.map((hit) => h("li", {},
        h("a", { href: address({ doc: hit.document, p: String(hit.page), sha: hit.sha256, w: "" }), "data-open": "", title: `${hit.title || hit.document}, page ${hit.page}` },
          new PagePicture().show({ ...hit, regions: [] }, { index, side: 400, alt: `Page ${hit.page} of ${hit.document}` }))))));
  }

  #zoom() {
    this.stage?.classList.toggle("large");
  }

  #fail(error) {
    this.#dialog.replaceChildren(h("div", { class: "empty" }, h("h2", {}, "This page cannot be shown"), h("p", {}, error.message), h("button", { type: "button", on: { click: () => this.close() } }, "Back")));
    say(error.message);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
    const turned = { ArrowLeft: "left", ArrowRight: "right", k: "left", j: "right" }[event.key];
    if (turned) this.#dialog.querySelector(`.turn .${turned}`)?.click();
    else if (event.key === "z") this.#zoom();
    else if (event.key === "m") {
      this.#marks = !this.#marks;
      this.#showHeat();
    } else return;
    event.preventDefault();
  }
}

function turn(side, label, page) {
  return h("button", { class: `icon ${side}`, type: "button", "aria-label": label, title: label, disabled: page === null, on: { click: () => go({ p: String(page), w: "" }, { replace: true }) } }, icon(side));
}

async function copyLink(button) {
  const words = button.querySelector("span");
  try {
    await navigator.clipboard.writeText(location.href);
    words.textContent = "Copied";
  } catch {
    words.textContent = "Copy it from the address bar";
  }
  say(words.textContent);
}

customElements.define("page-viewer", PageViewer);
