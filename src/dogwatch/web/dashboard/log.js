// The log of a run: follows it while it goes, lets the reader read, finds text and lines.
const log = document.getElementById("log"), news = document.querySelector(".news"), finder = document.querySelector(".finder");
const PART = Number(log?.dataset.lines), EVERY_MS = 700, HIDDEN_MS = 60000;
let seen = log?.dataset.seen, unread = 0, timer = 0;

const parts = () => [...log.querySelectorAll("pre")];
const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;

function end() {
  log.scrollTop = log.scrollHeight;
  unread = 0;
  news.hidden = true;
}

function add(text) {
  const following = log.hidden || atEnd();
  log.hidden = false;
  let last = parts().at(-1);
  const lines = ((last?.textContent ?? "") + text).split("\n");
  if (!last) log.append(last = document.createElement("pre"));
  for (let at = 0; at < lines.length; at += PART) {
    if (at) log.append(last = document.createElement("pre"));
    last.textContent = lines.slice(at, at + PART).join("\n");
  }
  if (following) return end();
  unread += text.split("\n").length - 1;
  news.textContent = `${unread} new line${unread === 1 ? "" : "s"} ↓`;
  news.hidden = false;
}

async function follow() {
  try {
    const answer = await fetch(`${log.dataset.tail}?after=${seen}`, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const told = await answer.json();
    if (told.text) add(told.text);
    seen = told.seen;
    if (told.done) return;
  } catch { /* the page itself says that nobody answers */ }
  timer = setTimeout(follow, document.hidden ? HIDDEN_MS : EVERY_MS);
}

// Where a piece of text stands, from an offset in one part on.
function show(part, from, to) {
  const range = document.createRange(), text = part.firstChild;
  part.scrollIntoView({ block: "nearest" }); // so that it is laid out
  range.setStart(text, from);
  range.setEnd(text, to);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
  log.scrollTop += range.getBoundingClientRect().top - log.getBoundingClientRect().top - log.clientHeight / 3;
}

function toLine(number) {
  const part = parts()[Math.floor((number - 1) / PART)];
  if (!part) return false;
  const lines = part.textContent.split("\n"), index = (number - 1) % PART;
  if (index >= lines.length) return false;
  const from = lines.slice(0, index).reduce((sum, line) => sum + line.length + 1, 0);
  show(part, from, from + lines[index].length);
  return true;
}

let found = { words: "", part: 0, at: -1 };

function find(words) {
  const all = parts(), low = words.toLowerCase();
  if (found.words !== low) found = { words: low, part: 0, at: -1 };
  for (let turn = 0; turn <= all.length; turn += 1) {
    const index = (found.part + turn) % all.length;
    const at = all[index].textContent.toLowerCase().indexOf(low, turn ? 0 : found.at + 1);
    if (at >= 0) {
      found = { words: low, part: index, at };
      show(all[index], at, at + words.length);
      return index * PART + all[index].textContent.slice(0, at).split("\n").length;
    }
  }
  return 0;
}

function sought() {
  const { find: words, line } = finder.elements, told = finder.querySelector("output");
  if (words.value) {
    const number = find(words.value);
    told.textContent = number ? `line ${number}` : "nowhere";
  } else if (line.value) {
    told.textContent = toLine(Number(line.value)) ? "" : "there is no such line";
    history.replaceState(null, "", `#L${line.value}`);
  }
}

function hash() {
  const number = /^#L(\d+)$/.exec(location.hash)?.[1];
  return Boolean(number) && toLine(Number(number));
}

if (log) {
  finder.hidden = false;
  finder.addEventListener("submit", (event) => {
    event.preventDefault();
    sought();
  });
  news.addEventListener("click", end);
  log.addEventListener("scroll", () => { if (!news.hidden && atEnd()) end(); });
  addEventListener("hashchange", hash);
  if (!hash() && !("done" in log.dataset)) end();
  if (!("done" in log.dataset)) follow();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || "done" in log.dataset) return;
    clearTimeout(timer);
    follow();
  });
}
