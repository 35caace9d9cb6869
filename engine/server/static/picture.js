// <page-picture>: a page with what matched marked on it, or with the heat of one word.

import { imageOf } from "./api.js";
import { h, svg } from "./dom.js";

const SCALE = 1000;

export class PagePicture extends HTMLElement {
  // hit: as the API gives it. side: pixels of the longer side that are asked for. lazy: when it comes into view.
  show(hit, { index, side = 1200, lazy = true, alt = null } = {}) {
    this.hit = hit;
    this.style.aspectRatio = String(hit.aspect);
    this.style.setProperty("--aspect", String(hit.aspect));
    this.image = h("img", { alt: alt ?? this.#alt(), decoding: "async", loading: lazy ? "lazy" : "eager", draggable: false });
    this.image.addEventListener("error", () => this.#failed());
    this.image.addEventListener("load", () => this.classList.add("there"));
    this.layer = svg("svg", { viewBox: `0 0 ${SCALE} ${SCALE}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.classList.remove("there", "broken");
    this.replaceChildren(this.image, this.layer);
    this.image.src = imageOf(hit, { index, max_side: side });
    this.marks(hit.regions);
    return this;
  }

  // The same picture with more pixels; the present one stays until that one is there.
  sharpen(index, side) {
    const address = imageOf(this.hit, { index, max_side: side });
    const { image } = this;
    const sharper = new Image();
    sharper.onload = () => {
      if (this.image === image) image.src = address;
    };
    sharper.src = address;
  }

  marks(regions) {
    const strongest = Math.max(...regions.map((region) => region.score), 1e-9);
    this.layer.replaceChildren(...regions.map(({ box, score }) => this.#rectangle(box, "region", 0.35 + 0.65 * (score / strongest))));
  }

  heat(places) {
    this.layer.replaceChildren(...[...places].reverse().map(({ box, heat }) => this.#rectangle(box, "warm", 0.15 + 0.85 * heat)));
  }

  #rectangle([x0, y0, x1, y1], name, strength) {
    const pad = name === "warm" ? 0.004 : 0.005;
    const tall = pad * this.hit.aspect;
    return svg("rect", {
      class: name, opacity: strength.toFixed(2), rx: 4,
      x: (x0 - pad) * SCALE, y: (y0 - tall) * SCALE, width: (x1 - x0 + 2 * pad) * SCALE, height: (y1 - y0 + 2 * tall) * SCALE,
    });
  }

  #alt() {
    const { document, page, regions } = this.hit;
    const places = regions.length ? `; ${regions.length === 1 ? "one place" : `${regions.length} places`} marked` : "";
    return `Page ${page} of ${document}${places}`;
  }

  #failed() {
    this.classList.add("broken");
    this.replaceChildren(h("p", {}, "This page cannot be drawn: its file is gone, was changed, or needs a password."));
  }
}

// Only the part of a page where the question is answered best, large enough to read. shape: width by height of the window.
export function excerpt(hit, options, shape = 3.2) {
  const box = hit.regions[0]?.box ?? [0, 0, 1, 0.2];
  const zoom = Math.min(1.9, Math.max(1.25, 0.85 / Math.max(box[2] - box[0], 0.05)));
  const tall = (zoom / hit.aspect) * shape; // height of the page in heights of the window
  const place = (middle, size) => Math.min(0, Math.max(1 - size, 0.5 - middle * size));
  const picture = new PagePicture().show(hit, { ...options, alt: "" });
  picture.style.width = `${zoom * 100}%`;
  picture.style.left = `${place((box[0] + box[2]) / 2, zoom) * 100}%`;
  picture.style.top = `${place((box[1] + box[3]) / 2, tall) * 100}%`;
  const frame = h("div", { class: "excerpt" }, picture);
  frame.style.aspectRatio = String(shape);
  return frame;
}

customElements.define("page-picture", PagePicture);
