// One event stream for all tabs that show a workspace: each is told when something changed.
const AGAIN_MS = 20000;
const seen = new Map(); // port → whether its page is looked at
let stream = null, address = "", again = 0;

function tell(what) {
  for (const port of seen.keys()) port.postMessage(what);
}

function turn() {
  clearTimeout(again);
  const wanted = [...seen.values()].some(Boolean);
  if (stream && (!wanted || stream.readyState === EventSource.CLOSED)) {
    stream.close();
    stream = null;
    tell("deaf");
  }
  if (wanted && !stream) listen();
}

function listen() {
  stream = new EventSource(address);
  stream.onopen = () => tell("live");
  stream.addEventListener("changed", () => tell("changed"));
  stream.onerror = () => {
    tell("deaf");
    if (stream.readyState === EventSource.CLOSED) again = setTimeout(turn, AGAIN_MS); // signed out, say
  };
}

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => {
    address ||= data.stream;
    if (data.gone) seen.delete(port);
    else seen.set(port, data.seen);
    if (stream?.readyState === EventSource.OPEN) port.postMessage("live");
    turn();
  };
};
