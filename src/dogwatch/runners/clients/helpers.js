// Gives every Node script the helpers; loaded by way of NODE_OPTIONS. See helpers.py for what is
// said. Node can do nothing at once with a socket, but it can with FIFOs: it has a pair of them
// made, names it on the bell, and keeps it.
"use strict";

const STANDARD_PATH = "/usr/local/bin:/usr/bin:/bin";
const { DOGWATCH_HELPERS: place, DOGWATCH_TOKEN: token } = process.env;

class HelperError extends Error {
  constructor(message) {
    super(message);
    this.name = "HelperError";
  }
}

class Line {
  constructor() {
    const fs = require("fs");
    const { spawnSync } = require("child_process");
    if (!place) throw new HelperError("helpers work in runs of Dogwatch only");
    const name = `${process.pid}.${require("crypto").randomBytes(8).toString("hex")}`;
    const [ask, say] = ["ask", "say"].map((end) => `${place}/${name}.${end}`);
    const made = spawnSync("mkfifo", [ask, say], { env: { PATH: STANDARD_PATH } });
    if (made.status !== 0) throw new HelperError(`mkfifo: ${made.error || made.stderr}`);
    this.fs = fs;
    this.to = fs.openSync(ask, "r+");
    this.from = fs.openSync(say, "r+");
    const bell = fs.openSync(`${place}/bell`, fs.constants.O_WRONLY);
    fs.writeSync(bell, `${name}\n`);
    fs.closeSync(bell);
    this.read = Buffer.alloc(0);
  }

  ask(...fields) {
    const parts = [token, ...fields].map((field) => Buffer.from(field));
    const head = Buffer.from(`${parts.map((part) => part.length).join(" ")}\n`);
    this.write(Buffer.concat([head, ...parts]));
    while (this.read.indexOf(10) < 0) this.more();
    const end = this.read.indexOf(10);
    const [kind, length] = this.read.toString("utf8", 0, end).split(" ");
    const last = end + 1 + Number(length);
    while (this.read.length < last) this.more();
    const body = this.read.toString("utf8", end + 1, last);
    this.read = this.read.subarray(last);
    if (kind === "error") throw new HelperError(body);
    if (kind === "none") return null;
    return kind === "json" ? JSON.parse(body) : body;
  }

  write(bytes) {
    for (let at = 0; at < bytes.length; ) at += this.fs.writeSync(this.to, bytes, at);
  }

  more() {
    const piece = Buffer.alloc(65536);
    const count = this.fs.readSync(this.from, piece);
    this.read = Buffer.concat([this.read, piece.subarray(0, count)]);
  }
}

let line;
function ask(...fields) {
  line = line || new Line();
  return line.ask(...fields);
}

function text(value) {
  const written = JSON.stringify(value);
  if (written === undefined) throw new HelperError(`${typeof value} cannot be written as JSON`);
  return written;
}

const helpers = {
  HelperError,
  input: () => ask("input"),
  event: () => ask("event"),
  output: (value) => void ask("output", text(value)),
  getVariable: (key) => ask("getVariable", String(key)),
  setVariable: (key, value) => {
    ask("setVariable", String(key), typeof value === "string" ? value : text(value));
    return true;
  },
  getCondition: () => ask("getCondition"),
  setCondition: (value) => {
    ask("setCondition", String(Boolean(value)));
    return Boolean(value);
  },
};
Object.assign(helpers, {
  get_variable: helpers.getVariable,
  set_variable: helpers.setVariable,
  get_condition: helpers.getCondition,
  set_condition: helpers.setCondition,
});

for (const name of ["cronium", "dogwatch"]) {
  Object.defineProperty(globalThis, name, { value: helpers, writable: true, configurable: true });
}
module.exports = helpers;
