// The inspect page's script against ciphertexts that the existing Go client made.
// Usage: node inspect_script.mjs InspectScript.swift sealed.json
import { readFileSync } from "node:fs";
import { deepStrictEqual, rejects } from "node:assert";
import { runInThisContext } from "node:vm";

const [source, vectors] = process.argv.slice(2);
const swift = readFileSync(source, "utf8");
const script = swift.slice(swift.indexOf('#"""') + 4, swift.lastIndexOf('"""#'));
const { openData, openEndpoint, secretOf } = runInThisContext(
  `(() => { ${script}; return { openData, openEndpoint, secretOf }; })()`);

const bytes = text => new Uint8Array(Buffer.from(text, "base64"));
const cases = [JSON.parse(readFileSync(vectors, "utf8"))].flat();
const all = cases.flatMap(one => (one.affiliates || [one]).map(affiliate => [affiliate.secret || one.secret, affiliate]));
let opened = 0;
for (const [secret, affiliate] of all) {
  const key = secretOf(secret);
  const result = await openData(key, bytes(affiliate.data));
  const wanted = affiliate.affiliate;
  deepStrictEqual(result.nodeId, wanted.nodeId);
  deepStrictEqual(result.hostname, wanted.hostname);
  deepStrictEqual(result.nodename, wanted.nodename);
  deepStrictEqual((result.addresses || []).length, (wanted.addresses || []).length);
  deepStrictEqual(result.kubespan?.publicKey, wanted.kubespan?.publicKey);
  for (const endpoint of affiliate.endpoints || []) {
    const text = await openEndpoint(key, bytes(endpoint));
    if (!/^(\[[0-9a-f:]+\]|[0-9.]+):[0-9]+$/.test(text)) throw new Error(text);
    opened++;
  }
  const wrong = new Uint8Array(key);
  wrong[0] ^= 1;
  await rejects(openData(wrong, bytes(affiliate.data)));
}
if (all.length === 0 || opened === 0) throw new Error("no vectors");
console.log(`inspect: opened ${all.length} affiliates and ${opened} endpoints`);
