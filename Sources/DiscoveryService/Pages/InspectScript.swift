/// What opens sealed data in the browser: AES-256-GCM for affiliates, and one AES block at a time for endpoints.
///
/// WebCrypto has no bare block decryption. CBC with a zero vector is one for the first block, if a second block
/// follows that decrypts to valid padding; encrypting nothing with the first block as vector makes that one.
///
/// What is fetched with a token becomes text of elements, never markup.
enum InspectScript {
  static let text = #"""
    "use strict";
    const bytesOf = hex => new Uint8Array((hex.match(/../g) || []).map(pair => parseInt(pair, 16)));
    const hexOf = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
    const secretOf = text => {
      const plain = text.trim().replace(/-/g, "+").replace(/_/g, "/");
      const key = Uint8Array.from(atob(plain), letter => letter.charCodeAt(0));
      if (key.length !== 32) throw new Error("the secret has " + key.length + " bytes; it has to have 32");
      return key;
    };
    function fieldsOf(bytes) {
      const fields = [];
      let at = 0;
      const varint = () => {
        let value = 0n, shift = 0n;
        for (;;) {
          if (at >= bytes.length || shift > 63n) throw new Error("malformed");
          const byte = bytes[at++];
          value |= BigInt(byte & 127) << shift;
          if (byte < 128) return value;
          shift += 7n;
        }
      };
      while (at < bytes.length) {
        const tag = Number(varint()), kind = tag & 7;
        let value;
        if (kind === 0) value = varint();
        else if (kind === 2) {
          const length = Number(varint());
          if (length > bytes.length - at) throw new Error("malformed");
          value = bytes.subarray(at, at + length);
          at += length;
        } else if (kind === 1) at += 8;
        else if (kind === 5) at += 4;
        else throw new Error("malformed");
        fields.push([tag >> 3, value]);
      }
      return fields;
    }
    function addressOf(bytes) {
      if (bytes.length === 4) return Array.from(bytes).join(".");
      if (bytes.length < 16) return hexOf(bytes);
      const groups = [];
      for (let index = 0; index < 16; index += 2) groups.push((bytes[index] << 8 | bytes[index + 1]).toString(16));
      let best = [0, 0];
      for (let start = 0; start < 8; start++) {
        let end = start;
        while (end < 8 && groups[end] === "0") end++;
        if (end - start > Math.max(best[1] - best[0], 1)) best = [start, end];
      }
      return best[1] === 0 ? groups.join(":")
        : groups.slice(0, best[0]).join(":") + "::" + groups.slice(best[1]).join(":");
    }
    function affiliateOf(bytes) {
      const text = value => new TextDecoder().decode(value), result = {};
      const add = (name, value) => (result[name] = result[name] || []).push(value);
      for (const [field, value] of fieldsOf(bytes)) {
        if (field === 1) result.nodeId = text(value);
        else if (field === 2) add("addresses", addressOf(value));
        else if (field === 3) result.hostname = text(value);
        else if (field === 4) result.nodename = text(value);
        else if (field === 5) result.machineType = text(value);
        else if (field === 6) result.operatingSystem = text(value);
        else if (field === 7) {
          const span = result.kubespan = {};
          for (const [inner, content] of fieldsOf(value)) {
            if (inner === 1) span.publicKey = text(content);
            else if (inner === 2) span.address = addressOf(content);
            else if (inner === 3) {
              let address = "", bits = 0;
              for (const [part, piece] of fieldsOf(content)) {
                if (part === 1) address = addressOf(piece);
                else if (part === 2) bits = Number(piece);
              }
              (span.additionalAddresses = span.additionalAddresses || []).push(address + "/" + bits);
            }
          }
        } else if (field === 8) {
          result.controlPlane = { port: 0 };
          for (const [inner, content] of fieldsOf(value)) if (inner === 1) result.controlPlane.port = Number(content);
        }
      }
      return result;
    }
    async function openData(secret, sealed) {
      const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["decrypt"]);
      const iv = sealed.subarray(0, 12);
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed.subarray(12));
      return affiliateOf(new Uint8Array(plain));
    }
    async function openEndpoint(secret, sealed) {
      if (sealed.length === 0 || sealed.length % 16) throw new Error("malformed");
      const key = await crypto.subtle.importKey("raw", secret, "AES-CBC", false, ["encrypt", "decrypt"]);
      const plain = new Uint8Array(sealed.length);
      for (let at = 0; at < sealed.length; at += 16) {
        const block = sealed.slice(at, at + 16);
        const tail = await crypto.subtle.encrypt({ name: "AES-CBC", iv: block }, key, new Uint8Array(0));
        const both = new Uint8Array(32);
        both.set(block);
        both.set(new Uint8Array(tail), 16);
        const opened = await crypto.subtle.decrypt({ name: "AES-CBC", iv: new Uint8Array(16) }, key, both);
        plain.set(new Uint8Array(opened), at);
      }
      if (plain[0] > plain.length - 1) throw new Error("malformed");
      let address = "", port = 0;
      for (const [field, value] of fieldsOf(plain.subarray(1, 1 + plain[0]))) {
        if (field === 1) address = addressOf(value);
        else if (field === 2) port = Number(value);
      }
      return (address.includes(":") ? "[" + address + "]" : address) + ":" + port;
    }
    function show(affiliates) {
      const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
      document.getElementById("rows").replaceChildren(...affiliates.map(affiliate => {
        const row = element("tr", ""), sealed = element("td", affiliate.data), endpoints = element("td", "");
        sealed.dataset.sealed = affiliate.data;
        for (const value of affiliate.endpoints) {
          const endpoint = element("div", value);
          endpoint.dataset.endpoint = value;
          endpoints.append(endpoint);
        }
        row.append(element("td", affiliate.id), sealed, endpoints);
        return row;
      }));
    }
    async function load() {
      const note = document.getElementById("note");
      note.textContent = "";
      show([]);
      try {
        const answer = await fetch("/inspect/data" + location.search, {
          headers: { authorization: "Bearer " + document.getElementById("token").value.trim() },
          cache: "no-store", credentials: "omit", redirect: "error",
        });
        if (!answer.ok) throw new Error((await answer.text()).trim());
        const affiliates = (await answer.json()).affiliates;
        show(affiliates);
        note.textContent = affiliates.length + " affiliates.";
      } catch (error) { note.textContent = error.message; }
    }
    async function openAll() {
      const note = document.getElementById("note");
      note.textContent = "";
      if (!globalThis.crypto || !crypto.subtle) {
        note.textContent = "The browser opens nothing on this page: reach it through https or localhost.";
        return;
      }
      let secret, failed = 0;
      try { secret = secretOf(document.getElementById("secret").value); } catch (error) {
        note.textContent = error.message;
        return;
      }
      for (const cell of document.querySelectorAll("[data-sealed]")) {
        if (!cell.dataset.sealed) continue;
        try {
          cell.textContent = JSON.stringify(await openData(secret, bytesOf(cell.dataset.sealed)), null, 1);
        } catch { failed++; }
      }
      for (const cell of document.querySelectorAll("[data-endpoint]")) {
        try { cell.textContent = await openEndpoint(secret, bytesOf(cell.dataset.endpoint)); } catch { failed++; }
      }
      note.textContent = failed ? failed + " items were not sealed with this secret." : "";
    }
    if (globalThis.document) {
      document.getElementById("open").addEventListener("click", openAll);
      document.getElementById("load")?.addEventListener("click", load);
    }
    """#
}
