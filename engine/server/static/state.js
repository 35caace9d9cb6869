// What the page shows, all of it in its address: a link to it shows the same to others.
//
// q question, like "document:page" that asks instead, index, folder/kind/year/tag (repeated) and filter (an expression),
// k hits, view documents|failures|activity, doc and p the page that is open, w the word whose heat it shows; sha and likesha the
// SHA-256 of the documents that doc and like name, because several may have one name.

const MANY = ["folder", "kind", "year", "tag"];
const ONE = ["q", "like", "likesha", "index", "filter", "k", "view", "doc", "p", "sha", "w"];

export const changes = new EventTarget();

function read() {
  const found = new URLSearchParams(location.search);
  const state = {};
  for (const name of ONE) state[name] = found.get(name) ?? "";
  for (const name of MANY) state[name] = found.getAll(name);
  return state;
}

export let state = read();

export function address(changed = {}) {
  const next = { ...state, ...("doc" in changed && { sha: "" }), ...("like" in changed && { likesha: "" }), ...changed };
  const found = new URLSearchParams();
  for (const name of ONE) if (next[name] !== "" && next[name] !== null && next[name] !== undefined) found.set(name, next[name]);
  for (const name of MANY) for (const value of next[name] ?? []) found.append(name, value);
  const text = found.toString();
  return text ? `?${text}` : "./";
}

export function go(changed, { replace = false } = {}) {
  const before = state;
  history[replace ? "replaceState" : "pushState"](null, "", address(changed));
  state = read();
  changes.dispatchEvent(new CustomEvent("change", { detail: { before } }));
}

addEventListener("popstate", () => {
  const before = state;
  state = read();
  changes.dispatchEvent(new CustomEvent("change", { detail: { before } }));
});

export const home = { q: "", like: "", filter: "", k: "", view: "", doc: "", p: "", w: "", folder: [], kind: [], year: [], tag: [] };

const quoted = (text) => (text.includes('"') ? `'${text}'` : `"${text}"`);
const oneOf = (field, values) => `${field} in (${values.map(quoted).join(", ")})`;

// The filter expression that the chosen facets and the typed filter make.
export function filters(from = state) {
  const parts = [];
  if (from.folder.length) parts.push(oneOf("folder", from.folder));
  if (from.kind.length) parts.push(oneOf("kind", from.kind));
  if (from.year.length) parts.push(`(${from.year.map((year) => `date ~ ${quoted(`${year}*`)}`).join(" or ")})`);
  const tags = new Map();
  for (const tag of from.tag) {
    const at = tag.indexOf("=");
    tags.set(tag.slice(0, at), [...(tags.get(tag.slice(0, at)) ?? []), tag.slice(at + 1)]);
  }
  for (const [name, values] of tags) parts.push(oneOf(`tag.${name}`, values));
  if (from.filter) parts.push(`(${from.filter})`);
  return parts.join(" and ");
}

export function toggled(name, value) {
  const chosen = state[name];
  return { [name]: chosen.includes(value) ? chosen.filter((other) => other !== value) : [...chosen, value] };
}

// Whether two states ask the same: then the hits need not be fetched again.
export const sameQuestion = (a, b) => ["q", "like", "likesha", "index", "filter", "k", "view"].every((name) => a[name] === b[name]) && MANY.every((name) => a[name].join("\n") === b[name].join("\n"));
