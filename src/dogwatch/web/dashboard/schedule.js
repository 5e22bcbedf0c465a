// A schedule is said back while it is written: in words, with its next dates and when an alert comes.
const box = document.getElementById("preview"), form = box.closest("form");
const fields = ["schedule", "timezone", "start_by_s"].map((name) => form.elements[name]).filter(Boolean);
const own = Intl.DateTimeFormat().resolvedOptions().timeZone, zone = form.elements.timezone;
let timer = 0, turn = 0;

async function say() {
  const mine = ++turn;
  const answer = await fetch(box.dataset.from, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || mine !== turn) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  box.replaceChildren(...document.adoptNode(fresh.getElementById("preview")).childNodes);
}

if ("guess" in box.dataset && [...zone.options].some((one) => one.value === own)) zone.value = own;
for (const field of fields) {
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(say, 120);
  });
}
if (form.elements.schedule.value) say();
