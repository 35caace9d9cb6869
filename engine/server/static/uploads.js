// <upload-panel>: files that are sent, and what becomes of them.

import * as api from "./api.js";
import { count, h, icon, say } from "./dom.js";
import { changes, state } from "./state.js";

const AT_ONCE = 2;
const GOOD = { indexed: "indexed", unchanged: "was there", copied: "the same content was there", renamed: "has a new name now" };

class UploadPanel extends HTMLElement {
  #waiting = [];
  #sending = 0;
  #rows = new Map(); // job and name the file is kept under -> its rows: the same file may be sent twice
  #outcomes = new Map(); // the same -> what became of it, which may be told before its sending has ended
  #followed = new Set();

  connectedCallback() {
    this.hidden = true;
    this.list = h("ul", {});
    this.append(
      h("header", {}, h("h2", {}, "Uploads"), h("button", { class: "icon", type: "button", "aria-label": "Close", title: "Close", on: { click: () => (this.hidden = true) } }, icon("close"))),
      this.list);
    this.input = h("input", { type: "file", multiple: true, hidden: true, "aria-label": "Files to upload" });
    this.input.addEventListener("change", () => this.add([...this.input.files]));
    this.append(this.input);
  }

  choose() {
    this.input.value = "";
    this.input.click();
  }

  add(files) {
    if (!files.length) return;
    this.hidden = false;
    for (const file of files) {
      const row = h("li", {}, h("span", { class: "name" }, file.name), h("progress", { max: "1", value: 0, "aria-label": `Sending ${file.name}` }), h("small", {}, "waiting"));
      this.list.prepend(row);
      this.#waiting.push([file, row]);
    }
    this.#next();
  }

  async #next() {
    if (this.#sending >= AT_ONCE || !this.#waiting.length) return;
    const [file, row] = this.#waiting.shift();
    this.#sending += 1;
    this.#next();
    try {
      const bar = row.querySelector("progress");
      said(row, "sending");
      const { document, job } = await api.upload(file, state.index, (share) => (bar.value = share));
      bar.removeAttribute("value");
      said(row, "being read");
      this.follow(job.id);
      this.#expect(job.id, document, row);
    } catch (error) {
      ended(row, error.message, "bad");
    } finally {
      this.#sending -= 1;
      this.#next();
    }
  }

  // Watch a job, once, until it ends.
  follow(id) {
    if (this.#followed.has(id)) return;
    this.#followed.add(id);
    const events = api.events(id);
    events.addEventListener("file", (event) => this.#outcome(id, JSON.parse(event.data)));
    events.addEventListener("progress", (event) => {
      const { status, progress } = JSON.parse(event.data);
      const rows = this.#rows.get(key(id, progress.document));
      if (rows && progress.n_pages) for (const row of rows) said(row, `page ${progress.page} of ${progress.n_pages}`);
      else if (status === "waiting") for (const row of this.#rowsOf(id)) said(row, "waiting until another program has finished writing");
    });
    events.addEventListener("end", (event) => {
      events.close();
      this.#followed.delete(id);
      const job = JSON.parse(event.data);
      if (job.status === "failed") for (const row of this.#rowsOf(id)) ended(row, job.reason, "bad");
      changes.dispatchEvent(new Event("content"));
    });
  }

  #expect(job, document, row) {
    const of = key(job, document);
    this.#rows.set(of, [...(this.#rows.get(of) ?? []), row]);
    if (this.#outcomes.has(of)) this.#outcome(job, this.#outcomes.get(of));
  }

  #rowsOf(job) {
    return [...this.#rows].flatMap(([of, rows]) => (of.startsWith(key(job, "")) ? rows : []));
  }

  #outcome(job, told) {
    const { document, status, n_pages: pages, reason, page_problems: problems } = told;
    const rows = this.#rows.get(key(job, document)) ?? [];
    this.#rows.delete(key(job, document));
    this.#outcomes.set(key(job, document), told);
    if (!rows.length) return;
    const good = GOOD[status];
    const detail = status === "indexed" ? `, ${count(pages, "page")}` : "";
    const bad = problems.length ? `; ${count(problems.length, "page")} could not be read: ${problems[0].reason}` : "";
    for (const row of rows) ended(row, good ? `${good}${detail}${bad}` : reason, good && !bad ? "good" : "bad");
    say(`${document}: ${good ?? reason}`);
  }
}

function key(job, document) {
  return `${job} ${document}`;
}

function said(row, text) {
  row.querySelector("small").textContent = text;
}

function ended(row, text, kind) {
  row.querySelector("progress")?.remove();
  row.classList.add(kind);
  said(row, text);
}

// Files may be dropped anywhere on the page.
export function acceptDrops(panel, mayWrite) {
  let depth = 0;
  const over = (on) => document.body.classList.toggle("dropping", on);
  const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && mayWrite();
  addEventListener("dragenter", (event) => files(event) && ((depth += 1), over(true)));
  addEventListener("dragleave", (event) => files(event) && (depth -= 1) === 0 && over(false));
  addEventListener("dragover", (event) => files(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    depth = 0;
    over(false);
    if (!files(event)) return;
    event.preventDefault();
    panel.add([...event.dataTransfer.files]);
  });
}

customElements.define("upload-panel", UploadPanel);
