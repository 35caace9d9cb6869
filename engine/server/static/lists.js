// What is in the index: the documents, what could not be read, what was asked of the server.

import * as api from "./api.js";
import { count, h, icon } from "./dom.js";
import { PagePicture } from "./picture.js";
import { address, filters, state } from "./state.js";

const A_PAGE = 24;

// Rows that are fetched some at a time. fetch(offset) gives [total, elements].
function grown(tag, className, fetch) {
  const list = h(tag, { class: className });
  const more = h("button", { class: "more", type: "button", hidden: true, on: { click: () => next() } }, "More");
  const head = h("p", { class: "found" });
  let shown = 0;
  const next = async () => {
    more.disabled = true;
    const [total, elements] = await fetch(shown);
    list.append(...elements);
    shown += elements.length;
    more.disabled = false;
    more.hidden = shown >= total || !elements.length;
    return total;
  };
  return { head, list, more, next };
}

export async function documentGallery({ title = "Documents" } = {}) {
  const index = state.index;
  const { head, list, more, next } = grown("ul", "gallery", async (offset) => {
    const found = await api.documents({ index, filters: filters(), offset, limit: A_PAGE });
    return [found.total, found.documents.map((document) => h("li", {}, documentCard(document, index)))];
  });
  const total = await next();
  head.append(h("strong", {}, total ? count(total, "document") : "No document fits the filters"));
  return h("section", { class: "list", "aria-label": title }, head, list, more);
}

function documentCard(document, index) {
  const hit = { document: document.document, page: 1, regions: [], aspect: 0.72, sha256: document.sha256 };
  const open = address({ doc: document.document, p: "1", sha: document.sha256, w: "" });
  return h("article", { class: "sheet" },
    h("a", { href: open, "data-open": "", class: "cover" }, new PagePicture().show(hit, { index, side: 600, alt: `First page of ${document.document}` })),
    h("h3", {}, h("a", { href: open, "data-open": "", tabindex: "-1" }, document.title || document.document.split("/").at(-1))),
    h("p", {}, h("span", { class: "path" }, document.document), h("span", {}, `${count(document.n_indexed_pages, "page")}${document.date ? `, ${document.date.slice(0, 4)}` : ""}`)));
}

export async function failureList() {
  const index = state.index;
  const { head, list, more, next } = grown("ul", "rows", async (offset) => {
    const found = await api.failures({ index, offset, limit: 100 });
    return [found.total, found.failures.map((one) =>
      h("li", { class: "row bad" }, h("b", {}, one.page ? `${one.document}, page ${one.page}` : one.document), h("span", {}, one.reason), h("time", { datetime: one.at }, one.at.slice(0, 10))))];
  });
  const total = await next();
  head.append(h("strong", {}, total ? `${count(total, "file or page", "files and pages")} could not be read` : "Everything could be read"));
  return h("section", { class: "list" }, head, list, more);
}

const STATUS = { queued: "waits its turn", waiting: "waits for another program", running: "runs", done: "done", failed: "failed", cancelled: "cancelled" };

export async function activityList(mayWrite, refresh) {
  const { jobs } = await api.jobs();
  if (!jobs.length) return h("section", { class: "empty" }, h("p", {}, mayWrite ? "Nothing was uploaded yet. Drop files anywhere on this page." : "This server only reads; nothing can be uploaded."));
  return h("section", { class: "list" }, h("p", { class: "found" }, h("strong", {}, "Uploads and indexing")),
    h("ul", { class: "rows" }, jobs.map((job) => jobRow(job, mayWrite, refresh))));
}

function jobRow(job, mayWrite, refresh) {
  const counts = Object.entries(job.counts).map(([status, n]) => `${n} ${status}`).join(", ");
  const now = job.progress.document ? `${job.progress.document}${job.progress.n_pages ? `, page ${job.progress.page} of ${job.progress.n_pages}` : ""}` : "";
  const details = h("details", { class: "outcomes" }, h("summary", {}, counts || "no file yet"));
  details.addEventListener("toggle", async () => {
    if (!details.open || details.children.length > 1) return;
    const { outcomes } = await api.outcomes(job.id, 0);
    details.append(h("ul", {}, outcomes.map((one) => h("li", { class: one.status === "failed" ? "bad" : "" }, `${one.document}: ${one.status}${one.n_pages ? `, ${count(one.n_pages, "page")}` : ""}${one.reason ? `, ${one.reason}` : ""}`))));
  });
  return h("li", { class: `row ${job.status === "failed" ? "bad" : ""}` },
    h("b", {}, `${job.kind === "upload" ? "Upload" : "Index"}: ${STATUS[job.status]}`),
    h("span", {}, job.reason || now, details),
    h("time", { datetime: job.created_at }, job.created_at.slice(0, 16).replace("T", " ")),
    !job.finished_at && mayWrite ? h("button", { type: "button", on: { click: () => api.cancel(job.id).then(refresh) } }, icon("close"), "Cancel") : "");
}
