// The durations of an item as a plot that can be zoomed; its library is loaded when it is wanted.
function load(tag, properties) {
  return new Promise((done, fail) => {
    const element = Object.assign(document.createElement(tag), properties, { onload: done, onerror: fail });
    document.head.append(element);
  });
}

function colour(box, name) {
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

function dots(stroke, label) {
  return { label, stroke, width: 0, paths: () => null, points: { show: true, size: 6, fill: stroke }, value: (_, s) => (s == null ? "–" : `${s.toFixed(3)} s`) };
}

// ISO 8601; below a step of a day the time, and the date below the first of each day.
function ticks(zone) {
  return (_, all, axis, space, step) => {
    let day = "";
    return all.map((s) => {
      const [date, time] = new Date(s * 1000).toLocaleString("sv", { timeZone: zone }).split(" ");
      if (step >= 86400) return date;
      const fresh = date !== day;
      day = date;
      return `${step < 60 ? time : time.slice(0, 5)}${fresh ? `\n${date}` : ""}`;
    });
  };
}

// Some room on both sides, so that no point is cut.
function roomy(_, from, to) {
  const room = (to - from) * 0.02 || 60;
  return [from - room, to + room];
}

async function draw(box) {
  const answer = await fetch(box.dataset.from);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const { runs } = await answer.json();
  await Promise.all([load("script", { src: box.dataset.library }), load("link", { rel: "stylesheet", href: box.dataset.sheet })]);
  const axis = { stroke: colour(box, "--quiet"), grid: { stroke: colour(box, "--line"), width: 1 }, ticks: { stroke: colour(box, "--line") } };
  const zone = document.documentElement.dataset.zone;
  const options = {
    width: box.clientWidth, height: 260, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), zone), cursor: { drag: { x: true, y: false } },
    padding: [null, 40, null, null], scales: { x: { range: roomy } },
    series: [{ label: "Began", value: (_, s) => (s == null ? "–" : new Date(s * 1000).toLocaleString("sv", { timeZone: zone })) }, dots(colour(box, "--accent"), "Took"), dots(colour(box, "--bad"), "Took, and failed")],
    axes: [{ ...axis, space: 90, values: ticks(zone) }, { ...axis, values: (_, all) => all.map((s) => `${s} s`), size: 64 }],
  };
  const began = runs.filter((run) => run.at).sort((one, other) => Date.parse(one.at) - Date.parse(other.at));
  const plot = new uPlot(options, split(began), box);
  addEventListener("resize", () => plot.setSize({ width: box.clientWidth, height: 260 }));
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.zoom");
  if (!button) return;
  const box = button.parentElement.querySelector(".plot");
  button.disabled = true;
  box.hidden = false;
  try {
    await draw(box);
    button.remove();
  } catch {
    button.disabled = false;
  }
});
