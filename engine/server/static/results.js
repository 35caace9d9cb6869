// <search-results>: the hits of a question, of a page or of a picture.

import * as api from "./api.js";
import { h, icon, marked, say } from "./dom.js";
import { excerpt, PagePicture } from "./picture.js";
import { address, filters, go, state } from "./state.js";

const MORE = 20;

export class SearchResults extends HTMLElement {
  #asked = null;
  hits = [];

  // picture: a file that asks, if it is no question and no page.
  async ask(picture = null) {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.setAttribute("aria-busy", "true");
    try {
      const found = await this.#fetch(picture, asked.signal);
      if (asked !== this.#asked) return;
      this.hits = found.results[0].hits;
      this.#show(found, picture);
    } catch (error) {
      if (error.name === "AbortError" || asked !== this.#asked) return;
      this.hits = [];
      this.#fail(error);
    } finally {
      if (asked === this.#asked) this.removeAttribute("aria-busy");
    }
  }

  #fetch(picture, signal) {
    const k = Number(state.k) || 10;
    const common = { index: state.index, k, filters: filters() };
    if (picture) return api.byPicture(picture, common, signal);
    if (state.like) {
      const at = state.like.lastIndexOf(":");
      const like = { document: state.like.slice(0, at), page: state.like.slice(at + 1), ...common };
      const { likesha } = state;
      return api.similar({ ...like, sha256: likesha }, signal).catch((error) => {
        if (error.status !== 404 || !likesha) throw error;
        return api.similar(like, signal); // the file has changed since the link was made
      });
    }
    return api.search({ query: state.q, ...common }, signal);
  }

  #show(found, picture) {
    const { hits } = this;
    const taken = Object.values(found.milliseconds).reduce((sum, value) => sum + value, 0);
    const what = picture ? "like your picture" : state.like ? `like ${state.like.replace(/:(\d+)$/, ", page $1")}` : "";
    const head = hits.length ? `${hits.length > 1 ? `The ${hits.length} best pages` : "One page"}${what ? ` ${what}` : ""}` : "Nothing found";
    say(head);
    const list = h("ol", { class: "hits" }, hits.map((hit) => h("li", {}, card(hit))));
    const more = hits.length >= (Number(state.k) || 10) && !picture
      ? h("button", { class: "more", type: "button", on: { click: () => go({ k: String((Number(state.k) || 10) + MORE) }, { replace: true }) } }, "More pages")
      : null;
    this.replaceChildren(
      h("p", { class: "found" }, h("strong", {}, head), h("span", {}, `${Math.max(1, Math.round(taken))} ms`)),
      found.missing ? h("p", { class: "found", role: "alert" }, `Without ${Object.keys(found.missing).join(", ")}, which do not answer.`) : "",
      hits.length ? list : empty(),
      more ?? "",
    );
  }

  #fail(error) {
    say(error.message);
    this.replaceChildren(
      h("div", { class: "empty" },
        h("h2", {}, error.status === 503 || error.status === 429 ? "Not yet" : "That did not work"),
        h("p", {}, error.message),
        h("button", { type: "button", on: { click: () => this.ask() } }, "Try again")),
    );
  }

  focusHit(step) {
    const cards = [...this.querySelectorAll("article")];
    if (!cards.length) return;
    const at = cards.findIndex((one) => one.contains(document.activeElement));
    const next = cards[Math.min(cards.length - 1, Math.max(0, at + step))];
    next.querySelector("a.title").focus();
    next.scrollIntoView({ block: "nearest" });
  }
}

function card(hit) {
  const { index } = state;
  const open = address({ doc: hit.document, p: String(hit.page), sha: hit.sha256, w: "" });
  const where = hit.lines ? `lines ${hit.lines[0]} to ${hit.lines[1]}` : `page ${hit.page} of ${hit.n_pages}`;
  const thumbnail = new PagePicture().show(hit, { index });
  return h("article", { class: "hit" },
    h("a", { class: "thumb", href: open, "data-open": "", tabindex: "-1", "aria-hidden": "true" }, thumbnail),
    h("div", { class: "said" },
      h("h2", {}, h("a", { class: "title", href: open, "data-open": "" }, hit.title || nameOf(hit.document))),
      h("p", { class: "where" }, h("span", { class: "path" }, hit.document), h("span", {}, where)),
      hit.snippet ? h("p", { class: "snippet" }, marked(hit.snippet, hit.highlights)) : null,
      hit.regions.length ? h("a", { class: "peek", href: open, "data-open": "", tabindex: "-1", "aria-hidden": "true" }, excerpt(hit, { index })) : null,
      h("p", { class: "actions" },
        h("a", { href: api.fileOf(hit, index), target: "_blank", rel: "noopener" }, icon("file"), "Open the file"),
        h("a", { href: address({ like: `${hit.document}:${hit.page}`, likesha: hit.sha256, q: "", k: "", doc: "", p: "" }), "data-open": "" }, icon("like"), "Similar pages"))));
}

const nameOf = (document) => document.split("/").at(-1);

function empty() {
  const filtered = filters() !== "";
  return h("div", { class: "empty" },
    h("p", {}, filtered ? "No page fits both the question and the filters." : "No page of this index comes close. Ask with other words."),
    filtered ? h("button", { type: "button", on: { click: () => go({ folder: [], kind: [], year: [], tag: [], filter: "" }) } }, "Remove the filters") : null);
}

customElements.define("search-results", SearchResults);
