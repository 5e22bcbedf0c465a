// A stretch of the timeline that is dragged over is shown by itself; the server draws it.
const LEAST_PX = 6, LEAST_MS = 60000;
let drag = null;

function place(event) {
  const { left, width } = drag.lane.getBoundingClientRect();
  return Math.min(Math.max((event.clientX - left) / width, 0), 1);
}

function paint(event) {
  const [from, to] = [drag.from, place(event)].sort((one, other) => one - other);
  const { left, width } = drag.lane.getBoundingClientRect(), outer = drag.lanes.getBoundingClientRect();
  Object.assign(drag.box.style, { left: `${left - outer.left + from * width}px`, width: `${(to - from) * width}px` });
}

function over() {
  drag?.box.remove();
  drag = null;
}

document.addEventListener("pointerdown", (event) => {
  const lane = event.target.closest(".lane, .marks"), lanes = lane?.closest(".lanes");
  if (!lane || event.button || event.pointerType === "touch") return;
  drag = { lane, lanes, box: document.createElement("div"), x: event.clientX };
  drag.from = place(event);
  drag.box.className = "stretch";
});

document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  if (!drag.box.isConnected && Math.abs(event.clientX - drag.x) > LEAST_PX) drag.lanes.append(drag.box);
  if (drag.box.isConnected) paint(event);
});

document.addEventListener("pointerup", (event) => {
  if (!drag) return;
  const { lanes, box, from } = drag, moved = box.isConnected;
  const ends = [from, place(event)].sort((one, other) => one - other);
  over();
  if (!moved) return;
  const begin = Date.parse(lanes.dataset.from), length = Date.parse(lanes.dataset.to) - begin;
  const [first, last] = ends.map((share) => begin + share * length);
  if (last - first < LEAST_MS) return;
  const query = new URLSearchParams(lanes.dataset.rest);
  query.set("from", new Date(first).toISOString());
  query.set("to", new Date(last).toISOString());
  addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true }); // no run is opened by it
  location.href = `?${query}`;
});

document.addEventListener("pointercancel", over);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") over(); });
document.addEventListener("dragstart", (event) => { if (event.target.closest?.(".lanes")) event.preventDefault(); });
