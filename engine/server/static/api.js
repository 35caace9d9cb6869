// The server's API. Every address is relative to this page, so that it works under any path.

export class ApiError extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const needsKey = new EventTarget(); // told when the server asks for a key

async function answered(response) {
  if (response.ok) return response.status === 204 ? null : response.json();
  const body = await response.json().catch(() => null);
  if (response.status === 401) needsKey.dispatchEvent(new Event("key"));
  throw new ApiError(response.status, body?.error?.message ?? `The server answered ${response.status}.`, body?.error?.code);
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server cannot be reached. It may have been stopped.", "unreachable");
  }
  return answered(response);
}

export function query(values) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== "" && value !== null && value !== undefined) found.set(name, value);
  const text = found.toString();
  return text ? `?${text}` : "";
}

const name = (document) => document.split("/").map(encodeURIComponent).join("/");
const page = (document, number) => `api/documents/${name(document)}/pages/${number}`;
const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const info = () => ask("api/info");
export const signIn = (key) => ask("api/session", json("POST", { key }));
export const search = (body, signal) => ask("api/search", { ...json("POST", body), signal });
export const similar = (values, signal) => ask(`api/similar${query(values)}`, { signal });
export const byPicture = (picture, values, signal) => ask(`api/search/picture${query(values)}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: picture, signal });
export const facets = (index) => ask(`api/facets${query({ index })}`);
export const documents = (values, signal) => ask(`api/documents${query(values)}`, { signal });
export const failures = (values, signal) => ask(`api/failures${query(values)}`, { signal });
export const totals = (index) => ask(`api/totals${query({ index })}`);
export const onePage = (document, number, values, signal) => ask(page(document, number) + query(values), { signal });
export const hasDocument = (document, values, signal) => ask(`api/documents/${name(document)}${query(values)}`, { signal }).then(() => true, () => false);
export const heat = (document, number, values, signal) => ask(`${page(document, number)}/heat${query(values)}`, { signal });
export const jobs = () => ask("api/jobs");
export const outcomes = (id, after) => ask(`api/jobs/${id}/outcomes${query({ after })}`);
export const cancel = (id) => ask(`api/jobs/${id}/cancel`, { method: "POST" });
export const events = (id) => new EventSource(`api/jobs/${id}/events`);
export const imageOf = (hit, values) => `${page(hit.document, hit.page)}/image${query({ ...values, sha256: hit.sha256 })}`;
export const fileOf = (hit, index) => `api/documents/${name(hit.document)}/file${query({ index, sha256: hit.sha256 })}#page=${hit.page}`;

// fetch tells nothing of what has been sent; XMLHttpRequest does.
export function upload(file, index, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `api/uploads/${encodeURIComponent(file.name)}${query({ index })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onerror = () => reject(new ApiError(0, "The connection was lost."));
    request.onload = () => {
      if (request.status === 201) return resolve(request.response);
      if (request.status === 401) needsKey.dispatchEvent(new Event("key"));
      return reject(new ApiError(request.status, request.response?.error?.message ?? `The server answered ${request.status}.`));
    };
    request.send(file);
  });
}
