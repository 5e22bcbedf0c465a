// The text of a workflow: drawn while it is written, and kept as a draft until it is saved.
const flow = document.getElementById("flow"), form = flow.querySelector("form"), text = form.elements.text;
const place = `draft ${location.pathname}`, base = flow.dataset.base, saved = text.defaultValue;
let timer = 0, turn = 0;

async function draw() {
  const mine = ++turn;
  const answer = await fetch(flow.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || mine !== turn) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const faults = fresh.getElementById("faults"), picture = fresh.getElementById("picture");
  document.getElementById("faults").replaceWith(document.adoptNode(faults));
  if (faults.hidden) document.getElementById("picture").replaceWith(document.adoptNode(picture)); // else the last good one
}

function keep() {
  try {
    if (text.value === saved) localStorage.removeItem(place);
    else localStorage.setItem(place, JSON.stringify({ base, text: text.value }));
  } catch { /* a browser without storage keeps no drafts */ }
}

function written() {
  keep();
  clearTimeout(timer);
  timer = setTimeout(draw, 200);
}

function restore() {
  let draft = null;
  try { draft = JSON.parse(localStorage.getItem(place)); } catch { return; }
  if (draft?.base !== base || draft.text === text.value) return;
  text.value = draft.text;
  const told = document.getElementById("draft");
  told.hidden = false;
  told.querySelector("button").addEventListener("click", () => {
    text.value = saved;
    told.hidden = true;
    written();
  });
  draw();
}

text.addEventListener("input", written);
form.addEventListener("submit", () => { try { localStorage.removeItem(place); } catch { /* as above */ } });
restore();
