// Keeps an open page true: asks for it again and puts in what changed. Without it, a reload does.
// It is told of changes by the stream of live.js; where there is none, it asks more often.
const VISIBLE_MS = 1500, TOLD_MS = 5000, HIDDEN_MS = 60000, SLOWEST_MS = 30000, PATIENCE_MS = 10000;
const page = document.documentElement;
page.classList.add("scripted"); // what needs a script is shown from now on
let tag = "", failures = 0, timer = 0, looking = false, told = false, again = false, seenAt = new Date();

// Times are shown in the zone of the browser, unless another was chosen.
const ZONE = "dogwatch-zone=", root = new URL(document.querySelector(".brand").href).pathname;
const unset = page.dataset.zone && !document.cookie.includes(ZONE);
if (unset) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own) document.cookie = `${ZONE}${own}; path=${root}; max-age=31536000; samesite=lax`;
}

async function look() {
  const answer = await fetch(location.href.replace(/#.*/, ""), {
    headers: { "Dogwatch-Live": "1", ...(tag && { "If-None-Match": tag }) },
    cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) {
    location.reload(); // signed out, or gone
    return;
  }
  if (answer.status !== 304) {
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (fresh.documentElement.dataset.stream !== page.dataset.stream) {
      location.reload(); // of another workspace, which was entered since
      return;
    }
    const whole = put(fresh);
    tag = whole ? answer.headers.get("ETag") ?? "" : "";
  }
  seenAt = new Date();
}

function put(fresh) {
  if (document.title !== fresh.title) {
    document.title = fresh.title;
    document.getElementById("told").textContent = fresh.title; // screen readers hear it
  }
  const icon = (of) => of.querySelector("link[rel=icon]");
  const href = icon(fresh).getAttribute("href");
  if (icon(document).getAttribute("href") !== href) icon(document).setAttribute("href", href);
  let whole = true;
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (old && !old.isEqualNode(part)) whole = swap(old, part) && whole;
  }
  return whole;
}

function swap(old, part) {
  if (old.querySelector("input:focus, select:focus, textarea:focus")) return false; // being filled in
  const focus = old.contains(document.activeElement) && place(document.activeElement);
  const fresh = document.adoptNode(part), summary = [...old.querySelectorAll("summary")].indexOf(document.activeElement);
  old.querySelectorAll("details").forEach((one, at) => { // what was opened stays open
    const same = fresh.querySelectorAll("details")[at];
    if (same && one.open) same.open = true;
  });
  for (const kept of old.querySelectorAll("[data-keep]")) fresh.querySelector(`[data-keep="${kept.dataset.keep}"]`)?.replaceWith(kept);
  old.replaceWith(fresh);
  if (summary >= 0) fresh.querySelectorAll("summary")[summary]?.focus({ preventScroll: true });
  else if (focus) document.querySelector(focus)?.focus({ preventScroll: true });
  return true;
}

function place(element) {
  const form = element.closest("form");
  if (element.matches("a")) return `main a[href="${CSS.escape(element.getAttribute("href"))}"]`;
  return form && `main form[action="${CSS.escape(form.getAttribute("action"))}"] button`;
}

async function turn() {
  if (looking) {
    again = true; // what changed since it was asked is seen by asking once more
    return;
  }
  looking = true;
  again = false;
  try {
    await look();
    failures = 0;
  } catch {
    failures += 1;
  }
  looking = false;
  const stale = document.getElementById("stale");
  stale.hidden = failures < 3;
  if (!stale.hidden) stale.querySelector("time").textContent = seenAt.toLocaleTimeString();
  if (again && !failures && !document.hidden) turn();
  else wait();
}

function wait() {
  const slow = Math.min((told ? TOLD_MS : VISIBLE_MS) * 2 ** failures, SLOWEST_MS);
  clearTimeout(timer);
  timer = setTimeout(turn, document.hidden ? HIDDEN_MS : slow * (0.9 + Math.random() / 5));
}

function listen() {
  const stream = new URL(page.dataset.stream, location).href;
  const { port } = new SharedWorker(page.dataset.worker, stream);
  const say = () => port.postMessage({ stream, seen: !document.hidden });
  port.onmessage = ({ data }) => {
    if (data === "changed" && !document.hidden) {
      clearTimeout(timer);
      turn();
    } else if (data !== "changed" && told !== (data === "live")) {
      told = data === "live";
      if (!looking) wait();
    }
  };
  document.addEventListener("visibilitychange", say);
  addEventListener("pagehide", () => port.postMessage({ gone: true }));
  addEventListener("pageshow", say); // back from where a browser keeps pages
  say();
}

if (document.querySelector("main[data-live]")) {
  wait();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return wait();
    clearTimeout(timer);
    turn();
  });
  if (unset) turn(); // it was just set
  try { listen(); } catch { /* a browser without shared workers asks more often */ }
}

// Keys: / searches, g and a letter goes, ? tells them.
let went = 0;

function pressed(key) {
  if (key === "/") {
    const search = document.getElementById("q");
    if (search) search.focus();
    else location.href = `${document.querySelector("[data-key=n]").href}#q`;
  } else if (key === "?") {
    document.getElementById("keys")?.showModal();
  } else if (key === "g") {
    went = Date.now();
    return false;
  } else {
    const link = Date.now() - went < 1500 && /^[a-z]$/.test(key)
      && document.querySelector(`[data-key="${key}"]`);
    went = 0;
    if (!link) return false;
    link.click();
  }
  return true;
}

document.addEventListener("keydown", (event) => {
  const busy = event.target.closest("input, select, textarea, dialog[open], [contenteditable]");
  if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
  if (pressed(event.key)) event.preventDefault();
});
if (location.hash === "#q") document.getElementById("q")?.focus();

// What can be copied.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const text = button.closest(".copied").querySelector("code");
  try {
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = "Copied";
  } catch { // a page without TLS has no clipboard
    getSelection().selectAllChildren(text);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});
