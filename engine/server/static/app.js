// The page: what is asked at the top, what was found below; see state.js for what its address holds.

import * as api from "./api.js";
import { askForKey, showKeys } from "./dialogs.js";
import { count, h, icon, say } from "./dom.js";
import "./facets.js";
import { activityList, documentGallery, failureList } from "./lists.js";
import "./results.js";
import { address, changes, filters, go, home, sameQuestion, state } from "./state.js";
import { acceptDrops } from "./uploads.js";
import "./viewer.js";

const main = document.getElementById("main");
const form = document.querySelector("form.ask");
const input = document.getElementById("q");
const panel = document.querySelector("upload-panel");
const viewer = document.querySelector("page-viewer");
const RETRY_MS = 1500;

let server = null; // what api/info says
let picture = null; // a file that asks; it cannot be in the address
let turn = 0;

// What the address says is put on the page.

async function render() {
  const mine = (turn += 1);
  const still = () => mine === turn;
  input.value = state.q;
  document.title = state.q ? `${state.q} – pagesight` : "pagesight";
  document.body.classList.toggle("start", !(state.q || state.like || state.view || picture));
  document.body.setAttribute("aria-busy", "true");
  try {
    if (!server) server = await api.info();
    if (!still()) return;
    menu();
    const index = server.indexes.find((one) => one.name === state.index) ?? server.indexes[0];
    if (!index.ready) return notYet(index);
    await (state.q || state.like || picture ? results() : state.view === "failures" ? lists(failureList()) : state.view === "activity" ? lists(activityList(server.may_write, render)) : state.view === "documents" ? documents() : start(index));
  } catch (error) {
    if (still()) failed(error);
  } finally {
    if (still()) document.body.removeAttribute("aria-busy");
  }

  async function results() {
    if (!main.querySelector("search-results")) main.replaceChildren(h("div", { class: "columns" }, h("facet-bar", {}), h("search-results", {})));
    await main.querySelector("search-results").ask(picture);
  }

  async function documents() {
    const gallery = await documentGallery();
    if (still()) main.replaceChildren(h("div", { class: "columns" }, h("facet-bar", {}), gallery));
  }

  async function lists(coming) {
    const list = await coming;
    if (still()) main.replaceChildren(list);
  }

  async function start(index) {
    const welcome = h("section", { class: "welcome" }, h("h1", {}, "pagesight"), h("p", {}, index.n_pages ? `Ask, and see the page that answers: ${count(index.n_pages, "page")} are waiting.` : "Nothing is indexed yet."));
    if (!index.n_pages) return void main.replaceChildren(welcome, emptyIndex());
    const gallery = await documentGallery();
    if (still()) main.replaceChildren(welcome, gallery);
  }
}

function notYet(index) {
  main.replaceChildren(h("div", { class: "empty" }, h("h2", {}, "One moment"), h("p", {}, index.problem)));
  setTimeout(() => {
    server = null;
    render();
  }, RETRY_MS);
}

function emptyIndex() {
  return h("div", { class: "empty" },
    server.may_write
      ? [h("p", {}, "Drop PDFs, scans or pictures anywhere on this page."), h("button", { class: "strong", type: "button", on: { click: () => panel.choose() } }, icon("upload"), "Choose files")]
      : h("p", {}, "Index a folder on the machine of this server; what it holds appears here."));
}

function failed(error) {
  if (error.status === 401) return;
  say(error.message);
  main.replaceChildren(h("div", { class: "empty" }, h("h2", {}, "That did not work"), h("p", {}, error.message), h("button", { type: "button", on: { click: render } }, "Try again")));
}

function menu() {
  const current = state.index || server.indexes[0].name;
  const views = [["documents", "Documents"], ["failures", "Problems"], ...(server.may_write ? [["activity", "Activity"]] : [])];
  document.querySelector("nav.menu").replaceChildren(
    server.indexes.length > 1
      ? h("select", { "aria-label": "Index", on: { change: (event) => go({ ...home, q: state.q, index: event.target.value }) } }, server.indexes.map((one) => h("option", { value: one.name, selected: one.name === current }, one.name)))
      : "",
    ...views.map(([view, label]) => h("a", { href: address({ ...home, view }), "data-open": "", "aria-current": state.view === view ? "page" : null }, label)),
    ...(server.may_write ? [button("upload", "Upload files", () => panel.choose())] : []),
    button("theme", "Light or dark", changeTheme),
    button("help", "Keyboard (?)", showKeys));
}

const button = (name, label, click) => h("button", { class: "icon", type: "button", title: label, "aria-label": label, on: { click } }, icon(name));

// Light or dark: as the system has it, unless somebody chose.

function changeTheme() {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("pagesight-theme", document.documentElement.dataset.theme);
  } catch {} // private windows may have no storage
}

try {
  const theme = localStorage.getItem("pagesight-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {}

// What people do.

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const q = input.value.trim();
  if (!q) return;
  picture = null;
  go({ q, like: "", view: "", k: "", doc: "", p: "", w: "" });
  input.blur();
});

form.querySelector("[data-do=picture]").append(icon("picture"));
form.querySelector("[data-do=picture]").setAttribute("aria-label", "Search by a picture");
form.querySelector(".go").append(icon("search"));
form.querySelector(".go").setAttribute("aria-label", "Search");
form.querySelector("[data-do=picture]").addEventListener("click", () => {
  const chooser = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/tiff" });
  chooser.addEventListener("change", () => askByPicture(chooser.files[0]));
  chooser.click();
});

function askByPicture(file) {
  if (!file) return;
  picture = file;
  go({ q: "", like: "", view: "", k: "", doc: "", p: "", w: "" });
  render();
}

addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (file) askByPicture(file);
});

// Links within the page change its address without loading it again; with Ctrl or a middle button they are links.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-open], a[data-go]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  if (link.dataset.go === "home") {
    picture = null;
    return go({ ...home });
  }
  const wanted = new URLSearchParams(new URL(link.href).search);
  const changed = { ...home, index: "" };
  for (const name of Object.keys(changed)) changed[name] = Array.isArray(changed[name]) ? wanted.getAll(name) : (wanted.get(name) ?? "");
  if (changed.q || changed.like || changed.view) picture = null;
  go(changed);
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || viewer.open || document.querySelector("dialog[open]")) return;
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && typing) return event.target.blur();
  if (typing && !(event.target === input && event.key === "ArrowDown")) return;
  const hits = document.querySelector("search-results");
  if (event.key === "/") input.select();
  else if (event.key === "?") showKeys();
  else if (["j", "ArrowDown"].includes(event.key) && hits) hits.focusHit(1);
  else if (["k", "ArrowUp"].includes(event.key) && hits) hits.focusHit(-1);
  else return;
  event.preventDefault();
});

changes.addEventListener("change", (event) => {
  if (!sameQuestion(event.detail.before, state)) {
    if (state.k === event.detail.before.k) scrollTo({ top: 0 });
    render();
  }
});
changes.addEventListener("content", () => {
  server = null;
  if (!(state.q || state.like || picture) || filters()) render();
});
api.needsKey.addEventListener("key", () => askForKey(() => { server = null; render(); viewer.update(); }));
acceptDrops(panel, () => Boolean(server?.may_write));
render();
