// Gives every Node script the helpers; loaded by way of NODE_OPTIONS. See helpers.py for what is
// said. Node can do nothing at once with a socket, but it can with a lane, a pair of FIFOs, which it
// keeps.
"use strict";

const MOST_TRIES = 1000;
const TRY_MS = 2;
const { DOGWATCH_HELPERS: place, DOGWATCH_TOKEN: token } = process.env;

class HelperError extends Error {
  constructor(message) {
    super(message);
    this.name = "HelperError";
  }
}

class Line {
  constructor() {
    if (!place) throw new HelperError("helpers work in runs of Dogwatch only");
    this.fs = require("fs");
    const { O_RDONLY, O_NONBLOCK, O_WRONLY } = this.fs.constants;
    this.free = this.fs.openSync(`${place}/free`, O_RDONLY | O_NONBLOCK);
    this.bell = this.fs.openSync(`${place}/bell`, O_WRONLY);
    this.read = Buffer.alloc(0);
    let letter;
    do letter = this.letter();
    while (!this.open(letter));
    this.fs.writeSync(this.bell, letter);
    for (const fd of [this.free, this.bell]) this.fs.closeSync(fd);
  }

  // Takes the letter of a free lane.
  letter() {
    const found = Buffer.alloc(1);
    for (let tries = 1; ; tries++) {
      try {
        if (this.fs.readSync(this.free, found)) return found.toString();
      } catch (fault) {
        if (fault.code !== "EAGAIN") throw fault;
      }
      if (tries % MOST_TRIES === 0) this.fs.writeSync(this.bell, "!");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TRY_MS);
    }
  }

  // Opens a lane; false where it was replaced meanwhile.
  open(letter) {
    const opened = [];
    try {
      for (const end of ["ask", "say"]) {
        opened.push(this.fs.openSync(`${place}/${letter}.${end}`, "r+"));
      }
      [this.to, this.from] = opened;
      return true;
    } catch (fault) {
      if (fault.code !== "ENOENT") throw fault;
      opened.forEach((fd) => this.fs.closeSync(fd));
      return false;
    }
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
