// Checks a receipt and its proof in the reader's browser, from what stands on the page alone: nothing is asked of a server.
// Formats: c2sp.org/signed-note, tlog-checkpoint and tlog-proof; hashes: RFC 6962, section 2.1.
"use strict";

(() => {
  const DASH = "— ";
  const ED25519 = 1;
  const COSIGNATURE = 4;
  const PROOF = "c2sp.org/tlog-proof@v1";
  const RECEIPT = "throughline receipt v1";
  const MOST_HASHES = 63;
  const bytesOf = (text) => new TextEncoder().encode(text);

  // What does not hold. `why` names the words that say so.
  class Wrong extends Error {
    constructor(why) {
      super(why);
      this.why = why;
    }
  }

  // The browser lacks what the check needs.
  class Unable extends Wrong {}

  function demand(holds, why) {
    if (!holds) throw new Wrong(why);
  }

  // Canonical base64 only: one value has one spelling.
  function fromBase64(text, why) {
    let binary;
    try {
      binary = atob(text);
    } catch {
      throw new Wrong(why);
    }
    demand(btoa(binary) === text, why);
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }

  const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const toHex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function same(left, right) {
    return left.length === right.length && left.every((byte, at) => byte === right[at]);
  }

  function joined(...parts) {
    const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  async function sha256(...parts) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
  }

  const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
  const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

  function decimal(text, why) {
    demand(/^(0|[1-9][0-9]{0,18})$/.test(text), why);
    return BigInt(text);
  }

  // name+keyid+base64(type ‖ key): 01 signs notes, 04 is a witness's (c2sp.org/tlog-cosignature).
  async function readKey(vkey) {
    const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
    demand(name, "not_a_key");
    const typed = fromBase64(encoded, "not_a_key");
    demand(typed.length === 33 && [ED25519, COSIGNATURE].includes(typed[0]), "not_a_key");
    const digest = await sha256(bytesOf(`${name}\n`), typed);
    demand(toHex(digest.slice(0, 4)) === id, "key_id");
    return { name, id, vkey, type: typed[0], bytes: typed.slice(1) };
  }

  function splitNote(note) {
    const blank = note.lastIndexOf("\n\n");
    demand(blank >= 0 && note.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(note), "not_a_note");
    const lines = note.slice(blank + 2, -1).split("\n");
    const signatures = lines.map((line) => {
      const [, name, encoded] = /^— ([^\s+]+) (\S+)$/u.exec(line) ?? [];
      demand(name && line.startsWith(DASH), "not_a_note");
      const bytes = fromBase64(encoded, "not_a_note");
      demand(bytes.length > 4, "not_a_note");
      return { name, id: toHex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
    });
    return { text: note.slice(0, blank + 1), signatures };
  }

  async function signed(key, text, signature) {
    let imported;
    try {
      imported = await crypto.subtle.importKey("raw", key.bytes, "Ed25519", false, ["verify"]);
    } catch (error) {
      if (error.name === "NotSupportedError") throw new Unable("unsupported");
      throw new Wrong("not_a_key");
    }
    return crypto.subtle.verify("Ed25519", imported, signature, bytesOf(text));
  }

  // When the first of these witnesses saw the tree of a checkpoint; every one of them must have.
  async function witnessed(witnesses, checkpoint) {
    const { text, signatures } = splitNote(checkpoint);
    let first = null;
    for (const witness of witnesses) {
      const own = signatures.filter((one) => one.name === witness.name && one.id === witness.id);
      demand(own.length, "not_witnessed");
      for (const { bytes } of own) {
        demand(bytes.length === 72, "false_signature");
        const seconds = new DataView(bytes.buffer).getBigUint64(0);
        const said = `cosignature/v1\ntime ${seconds}\n${text}`;
        demand(await signed(witness, said, bytes.slice(8)), "false_signature");
        const seen = new Date(1000 * Number(seconds));
        if (first === null || seen < first.seen) first = { witness: witness.name, seen };
      }
    }
    return first;
  }

  // The text that `key` signed, and how many others signed it, of whom nothing is said here.
  async function openNote(note, key) {
    const { text, signatures } = splitNote(note);
    const own = signatures.filter((one) => one.name === key.name && one.id === key.id);
    demand(own.length, "not_signed");
    for (const one of own) demand(await signed(key, text, one.bytes), "false_signature");
    return { text, others: signatures.length - own.length };
  }

  function readReceipt(text) {
    const [header, origin, message, leaf, time, delay, ...rest] = text.split("\n");
    const [, seconds] = /^merge delay ([1-9][0-9]{0,8}) s$/.exec(delay ?? "") ?? [];
    demand(header === RECEIPT && seconds && rest.length === 1 && rest[0] === "", "not_a_receipt");
    demand(!Number.isNaN(Date.parse(time)), "not_a_receipt");
    const hash = fromBase64(leaf, "not_a_receipt");
    demand(hash.length === 32, "not_a_receipt");
    const at = new Date(time);
    return { origin, message, leaf: hash, time, at, due: new Date(at.getTime() + 1000 * seconds), seconds };
  }

  function readProof(text) {
    const blank = text.indexOf("\n\n");
    demand(blank >= 0, "not_a_proof");
    const lines = text.slice(0, blank).split("\n");
    demand(lines.shift() === PROOF, "not_a_proof");
    demand(lines[0]?.startsWith("extra "), "not_a_proof");
    const extra = fromBase64(lines.shift().slice(6), "not_a_proof");
    demand(lines[0]?.startsWith("index "), "not_a_proof");
    const index = decimal(lines.shift().slice(6), "not_a_proof");
    demand(lines.length <= MOST_HASHES, "not_a_proof");
    const path = lines.map((line) => fromBase64(line, "not_a_proof"));
    demand(path.every((hash) => hash.length === 32), "not_a_proof");
    return { extra, index, path, checkpoint: text.slice(blank + 2) };
  }

  function readCheckpoint(text) {
    const [origin, size, root, ...rest] = text.split("\n");
    demand(origin && size && root && rest.pop() === "" && rest.every(Boolean), "not_a_checkpoint");
    const hash = fromBase64(root, "not_a_checkpoint");
    demand(hash.length === 32, "not_a_checkpoint");
    return { origin, size: decimal(size, "not_a_checkpoint"), root: hash };
  }

  // Where the audit path leads to: RFC 9162, section 2.1.3.2.
  async function climb(leaf, index, size, path) {
    demand(index < size, "other_root");
    let node = index;
    let last = size - 1n;
    let reached = leaf;
    for (const sibling of path) {
      demand(last > 0n, "other_root");
      if (node & 1n || node === last) {
        reached = await nodeHash(sibling, reached);
        while (!(node & 1n) && node) {
          node >>= 1n;
          last >>= 1n;
        }
      } else {
        reached = await nodeHash(reached, sibling);
      }
      node >>= 1n;
      last >>= 1n;
    }
    demand(last === 0n, "other_root");
    return reached;
  }

  function readKeys(given) {
    return Promise.all(given.split("\n").map((line) => line.trim()).filter(Boolean).map(readKey));
  }

  // The keys that the reader was given by another way, in the place of the page's own of the same names.
  async function chooseKeys(given, pages) {
    const own = (await readKeys(given)).filter((key) => key.type === ED25519);
    const names = Object.values(pages).map((vkey) => vkey.replace(/\+[0-9a-f]{8}\+.*$/, ""));
    demand(own.every((key) => names.includes(key.name)), "key_of_another");
    demand(own.every((key) => Object.values(pages).includes(key.vkey)), "key_differs");
    const has = (vkey) => own.some((key) => key.vkey === vkey);
    return has(pages.log) ? (has(pages.receipt) ? "both" : "log") : has(pages.receipt) ? "receipt" : "none";
  }

  // Each step by its name, in order: what it found (`holds`, with values), or why it fails, or that it waits for the proof.
  function* steps(page, now) {
    let receipt;
    yield ["receipt", async () => {
      const key = await readKey(page.receiptKey);
      const note = await openNote(page.receipt, key);
      receipt = readReceipt(note.text);
      demand(key.name === `${receipt.origin}/receipt`, "receipt_of_another");
      return { name: key.name, message: receipt.message, at: receipt.at, seconds: receipt.seconds };
    }];
    const waits = page.proof === "" && page.entry === "";
    let proof;
    let leaf;
    yield ["entry", waits ? null : async () => {
      const entry = bytesOf(page.entry);
      leaf = await leafHash(entry);
      receipt ??= readReceipt(splitNote(page.receipt).text);
      demand(same(leaf, receipt.leaf), "not_promised");
      demand(JSON.parse(page.entry).subject === receipt.message, "other_message");
      proof = readProof(page.proof);
      demand(same(proof.extra, entry), "other_entry");
      return { bytes: entry.length, hash: toBase64(leaf) };
    }];
    let checkpoint;
    yield ["path", waits ? null : async () => {
      proof ??= readProof(page.proof);
      checkpoint = readCheckpoint(splitNote(proof.checkpoint).text);
      const root = await climb(await leafHash(proof.extra), proof.index, checkpoint.size, proof.path);
      demand(same(root, checkpoint.root), "other_root");
      return { index: proof.index, size: checkpoint.size, count: proof.path.length, root: toBase64(root) };
    }];
    yield ["checkpoint", waits ? null : async () => {
      const key = await readKey(page.logKey);
      proof ??= readProof(page.proof);
      const note = await openNote(proof.checkpoint, key);
      const head = readCheckpoint(note.text);
      receipt ??= readReceipt(splitNote(page.receipt).text);
      demand(head.origin === key.name && head.origin === receipt.origin, "other_log");
      return { name: key.name, size: head.size, others: note.others };
    }];
    yield ["time", async () => {
      receipt ??= readReceipt(splitNote(page.receipt).text);
      if (waits) {
        demand(now <= receipt.due, "not_kept");
        return { words: "time_waits", at: receipt.at, due: receipt.due };
      }
      demand(JSON.parse(page.entry).time === receipt.time, "other_time");
      const witnesses = (await readKeys(page.given)).filter((key) => key.type === COSIGNATURE);
      const first = await witnessed(witnesses, readProof(page.proof).checkpoint);
      const past = Math.max(0, Math.round(((first?.seen ?? now) - receipt.at) / 1000));
      if (first) return { words: "time_witnessed", at: receipt.at, due: receipt.due, past, ...first };
      return { words: now <= receipt.due ? "time" : "time_later", at: receipt.at, due: receipt.due, past };
    }];
    yield ["keys", async () => {
      const trusted = await chooseKeys(page.given, { log: page.logKey, receipt: page.receiptKey });
      return { words: `keys_${trusted}`, trusted };
    }];
  }

  // All steps are taken, also after one has failed: each says what it found by itself.
  async function verify(page, now) {
    const outcomes = [];
    for (const [name, take] of steps(page, now)) {
      if (take === null) {
        outcomes.push({ name, state: "waits" });
        continue;
      }
      try {
        outcomes.push({ name, state: "holds", found: await take() });
      } catch (error) {
        const why = error instanceof Wrong ? error.why : "not_readable";
        outcomes.push({ name, state: error instanceof Unable ? "unable" : "fails", why });
      }
    }
    return outcomes;
  }

  function verdictOf(outcomes) {
    const states = outcomes.map((one) => one.state);
    if (states.includes("fails")) return outcomes.some((one) => one.why === "not_kept") ? "not_kept" : "fails";
    if (states.includes("unable")) return "unable";
    if (states.includes("waits")) return "waits";
    const { trusted } = outcomes.at(-1).found;
    return trusted === "both" || trusted === "log" ? "holds" : "holds_alone";
  }

  // ── the page ──

  const LOOKS = { holds: "ok", holds_alone: "due", waits: "due", unable: "due", insecure: "due" };
  const byId = (id) => document.getElementById(id);
  const words = JSON.parse(byId("receipt-words").textContent);
  const language = document.documentElement.lang;
  const instants = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "medium" });

  function span(seconds) {
    const [unit, length] = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]
      .find(([, length]) => seconds >= 2 * length) ?? ["second", 1];
    const many = Math.floor(seconds / length);
    return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(many);
  }

  function shown(name, value) {
    if (value instanceof Date) return instants.format(value);
    return name === "past" ? span(value) : String(value);
  }

  function say(key, values = {}) {
    return words[key].replace(/\{(\w+)\}/g, (_, name) => shown(name, values[name]));
  }

  function told(outcome) {
    if (outcome.state === "holds") {
      const { words: other, ...values } = outcome.found;
      const others = values.others ? ` ${say("others", values)}` : "";
      return say(`holds.${other ?? outcome.name}`, values) + others;
    }
    return say(outcome.state === "waits" ? "waiting" : `wrong.${outcome.why}`);
  }

  function show(outcomes) {
    for (const outcome of outcomes) {
      const alone = outcome.name === "keys" && ["none", "receipt"].includes(outcome.found?.trusted);
      const state = alone ? "alone" : outcome.state;
      const badge = document.createElement("span");
      badge.className = `badge ${{ holds: "ok", fails: "late" }[state] ?? "due"}`;
      badge.textContent = words[`state.${state}`];
      const place = byId(`step-${outcome.name}`);
      place.dataset.state = outcome.state;
      place.replaceChildren(badge, ` ${told(outcome)}`);
    }
    conclude(verdictOf(outcomes));
  }

  function conclude(verdict) {
    const place = byId("verdict");
    place.className = `notice ${LOOKS[verdict] ?? "late"}`;
    place.dataset.verdict = verdict;
    place.textContent = words[`verdict.${verdict}`];
  }

  const fields = ["receipt", "entry", "proof", "receipt-key", "log-key", "given"].map((name) => byId(`the-${name}`));

  function read() {
    const [receipt, entry, proof, receiptKey, logKey, given] = fields.map((field) => field.value);
    return { receipt, entry, proof, receiptKey: receiptKey.trim(), logKey: logKey.trim(), given };
  }

  let latest = 0;

  async function check() {
    const own = ++latest;
    const outcomes = await verify(read(), new Date());
    if (own === latest) show(outcomes);
  }

  if (!globalThis.crypto?.subtle) {
    conclude("insecure");
  } else {
    for (const field of fields) field.addEventListener("input", check);
    check();
  }
})();
