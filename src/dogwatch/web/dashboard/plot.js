// The durations of an item as a plot that can be zoomed; its library is loaded when it is wanted.
const box = document.querySelector(".plot");

function load(tag, properties) {
  return new Promise((done, fail) => {
    const element = Object.assign(document.createElement(tag), properties, { onload: done, onerror: fail });
    document.head.append(element);
  });
}

function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  box.append(probe);
  const shown = getComputedStyle(probe).color;
  probe.remove();
  return shown;
}

function split(runs) {
  const times = runs.map((run) => Date.parse(run.at) / 1000);
  const of = (good) => runs.map((run) => (["ok", "slow"].includes(run.outcome) === good ? run.duration_ms / 1000 : null));
  return [times, of(true), of(false)];
}

function dots(name, label) {
  const stroke = colour(name);
  return { label, stroke, width: 0, paths: () => null, points: { show: true, size: 6, fill: stroke }, value: (_, s) => (s == null ? "–" : `${s.toFixed(3)} s`) };
}

async function draw() {
  const answer = await fetch(box.dataset.from);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const { runs } = await answer.json();
  await Promise.all([load("script", { src: box.dataset.library }), load("link", { rel: "stylesheet", href: box.dataset.sheet })]);
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const zone = document.documentElement.dataset.zone;
  const options = {
    width: box.clientWidth, height: 260, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), zone), cursor: { drag: { x: true, y: false } },
    series: [{ label: "Began", value: (_, s) => (s == null ? "–" : new Date(s * 1000).toLocaleString("sv", { timeZone: zone })) }, dots("--accent", "Took"), dots("--bad", "Took, and failed")],
    axes: [axis, { ...axis, values: (_, all) => all.map((s) => `${s} s`), size: 64 }],
  };
  const plot = new uPlot(options, split(runs.filter((run) => run.at).reverse()), box);
  addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: 260 }));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.zoom");
  if (!button) return;
  button.disabled = true;
  box.hidden = false;
  try {
    await draw();
    button.remove();
  } catch {
    button.disabled = false;
  }
});
