// The inspect page of a service that wants tokens, used as a browser uses it: its script is run against elements
// that only hold text, and asks the real service.
// Usage: node inspect_page.mjs GRPC_PORT PAGES_PORT TOKEN sealed.json
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { runInThisContext } from "node:vm";

const [grpcPort, pagesPort, token, vectors] = process.argv.slice(2);
const origin = `http://127.0.0.1:${pagesPort}`, cluster = "a+b/<c>=";
const bytes = text => Buffer.from(text, "base64");
const vector = [JSON.parse(readFileSync(vectors, "utf8"))].flat()
  .flatMap(one => (one.affiliates || [one]).map(affiliate => ({ secret: one.secret, ...affiliate })))
  .find(affiliate => (affiliate.endpoints || []).length > 0);
const affiliateID = "<img src=x onerror=alert(1)>";

// An affiliate that the existing client has sealed, under an id that is markup.
const varint = number => number < 128 ? [number] : [number & 127 | 128, ...varint(number >> 7)];
const field = (number, content) => Buffer.concat([Buffer.from([number << 3 | 2, ...varint(content.length)]), content]);
const message = Buffer.concat([
  field(1, Buffer.from(cluster)), field(2, Buffer.from(affiliateID)), field(3, bytes(vector.data)),
  ...vector.endpoints.map(endpoint => field(4, bytes(endpoint)))]);
const length = Buffer.alloc(5);
length.writeUInt32BE(message.length, 1);
const session = connect(`http://127.0.0.1:${grpcPort}`);
const status = await new Promise((resolve, reject) => {
  const call = session.request({
    ":method": "POST", ":path": "/sidero.discovery.server.Cluster/AffiliateUpdate", te: "trailers",
    "content-type": "application/grpc", authorization: `Bearer ${token}` });
  let status;
  call.on("response", headers => status = headers["grpc-status"] ?? status);
  call.on("trailers", headers => status = headers["grpc-status"] ?? status);
  call.on("error", reject).on("close", () => resolve(status)).resume();
  call.end(Buffer.concat([length, message]));
});
session.close();
strictEqual(status, "0");

const search = "?clusterID=" + encodeURIComponent(cluster);
const answer = await fetch(`${origin}/inspect${search}`), html = await answer.text();
strictEqual(answer.status, 200);
ok(!html.includes(bytes(vector.data).toString("hex")) && !html.includes("onerror"), "the page has data in it");
const [, nonce, script] = /<script nonce="([0-9a-f]+)">([^]*?)<\/script>/.exec(html);
ok(answer.headers.get("content-security-policy").includes(`script-src 'nonce-${nonce}'; connect-src 'self';`));

class Element {
  constructor(name) { Object.assign(this, { name, textContent: "", value: "", dataset: {}, children: [], listeners: {} }); }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.children = children; }
  addEventListener(event, listener) { this.listeners[event] = listener; }
  set innerHTML(_) { throw new Error("markup"); }
  *all() { yield this; for (const child of this.children) yield* child.all(); }
}
const elements = Object.fromEntries([...html.matchAll(/ id="(\w+)"/g)].map(match => [match[1], new Element(match[1])]));
const asked = [];
globalThis.location = { search };
globalThis.document = {
  getElementById: id => elements[id] ?? null,
  createElement: name => new Element(name),
  querySelectorAll: selector => [...elements.rows.all()].filter(element =>
    selector === "[data-sealed]" ? "sealed" in element.dataset : "endpoint" in element.dataset),
};
const realFetch = globalThis.fetch;
globalThis.fetch = (path, options) => {
  asked.push([path, options]);
  return realFetch(origin + path, options);
};
runInThisContext(script);
const { load, open, rows, note, secret } = elements;

elements.token.value = "not-the-right-token";
secret.value = vector.secret;
await load.listeners.click();
strictEqual(note.textContent, "the token isn't known here");
deepStrictEqual(rows.children, []);

elements.token.value = ` ${token} `;
await load.listeners.click();
strictEqual(note.textContent, "1 affiliates.");
const [id, sealed, endpoints] = rows.children[0].children;
strictEqual(id.textContent, affiliateID);
strictEqual(sealed.textContent, bytes(vector.data).toString("hex"));
strictEqual(endpoints.children.length, vector.endpoints.length);

await open.listeners.click();
strictEqual(note.textContent, "");
strictEqual(JSON.parse(sealed.textContent).nodeId, vector.affiliate.nodeId);
for (const endpoint of endpoints.children) ok(/^(\[[0-9a-f:]+\]|[0-9.]+):[0-9]+$/.test(endpoint.textContent));

// The token went to the service alone, in a header; the secret went nowhere.
strictEqual(asked.length, 2);
for (const [path, options] of asked) {
  strictEqual(path, "/inspect/data" + search);
  deepStrictEqual(Object.keys(options.headers), ["authorization"]);
  strictEqual(options.credentials, "omit");
  strictEqual(options.redirect, "error");
}
const sent = JSON.stringify(asked);
for (const form of [vector.secret, bytes(vector.secret).toString("hex"), encodeURIComponent(vector.secret)]) {
  ok(!sent.includes(form), "the secret left the page");
}
console.log("inspect page: all passed");
