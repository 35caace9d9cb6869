// Making elements. What comes from documents is only ever put in as text, never as HTML.

export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function svg(tag, given = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(given)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const PATHS = {
  search: "M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13Zm5-1.5L20 20",
  picture: "M4 7.5h3l1.5-2.5h7L17 7.5h3v11H4zM12 15.8a3 3 0 1 1 0-6 3 3 0 0 1 0 6Z",
  close: "M6 6l12 12M18 6 6 18",
  left: "M14.5 5.5 8 12l6.5 6.5",
  right: "M9.5 5.5 16 12l-6.5 6.5",
  file: "M13 4H7v16h10V8zM13 4v4h4",
  link: "M9.5 14.5l5-5M11 7l1.8-1.8a3.6 3.6 0 0 1 5 5L16 12M13 17l-1.8 1.8a3.6 3.6 0 0 1-5-5L8 12",
  upload: "M12 16V5M7.5 9.5 12 5l4.5 4.5M5 16v3h14v-3",
  like: "M4.5 5.5h9v11h-9zM16 8.5h3.5v11h-9V17",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  help: "M9.3 9.2a2.8 2.8 0 1 1 4.3 2.4c-1 .7-1.6 1.2-1.6 2.4M12 17.5v.1",
  zoom: "M4.5 9V4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15",
};

export function icon(name) {
  const path = svg("path", { d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 1.7, "stroke-linecap": "round", "stroke-linejoin": "round" });
  return svg("svg", { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", focusable: "false" }, path);
}

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export function say(text) {
  document.getElementById("says").textContent = text;
}

// A text with some spans of it marked; spans count code points, as Python does.
export function marked(text, spans) {
  const letters = [...text];
  const parts = [];
  let at = 0;
  for (const [start, stop] of spans) {
    parts.push(letters.slice(at, start).join(""), h("mark", {}, letters.slice(start, stop).join("")));
    at = stop;
  }
  return [...parts, letters.slice(at).join("")];
}
