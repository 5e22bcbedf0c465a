"""Every helper in every language and spelling, in runs of a real server."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from tests.eventually import eventually
from tests.harness.served import Served

CAMEL = ("getVariable", "setVariable", "getCondition", "setCondition")
SNAKE = ("get_variable", "set_variable", "get_condition", "set_condition")
BASH = list(product(("cronium", "dogwatch"), "._", (CAMEL, SNAKE)))
OTHERS = [
    (language, prefix, names)
    for language, prefix, names in product(
        ("python", "node"), ("cronium", "dogwatch"), (CAMEL, SNAKE)
    )
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all: each test has jobs and keys of its own."""
    with_flags = {"script-concurrency": "8"}
    one = Served(tmp_path_factory.mktemp("helpers") / "node", with_flags).start()
    try:
        yield one
        one.close()
    finally:
        if one.process is not None:
            one.kill9()


class Ran:
    """A run that has ended: what it printed, and what the API tells of it."""

    def __init__(self, served: Served, run_id: str) -> None:
        self.id = run_id
        self.told = served.get(f"/runs/{run_id}")
        self.out = served.call("GET", f"/api/v1/runs/{run_id}/output").body.decode()


def started(served: Served, language: str, source: str, given: Any = None, **more: Any) -> str:
    """Make a job and run it."""
    action = {"kind": "script", "language": language, "source": source, **more}
    job = served.post("/jobs", {"name": "helped", "action": action})
    body = {} if given is None else {"input": given}
    return str(served.post(f"/jobs/{job['id']}/trigger", body, 202)["id"])


def ended(served: Served, run_id: str) -> Ran:
    eventually(
        lambda: served.get(f"/runs/{run_id}")["state"] == "done", within_s=90, what="the run ends"
    )
    return Ran(served, run_id)


def ran(served: Served, language: str, source: str, given: Any = None, **more: Any) -> Ran:
    return ended(served, started(served, language, source, given, **more))


def put(served: Served, key: str, value: str) -> None:
    assert served.call("PUT", f"/api/v1/variables/{key}", {"value": value}).status == 200


def value(served: Served, key: str) -> str:
    return str(served.get(f"/variables/{key}")["value"])


def test_bash_has_every_helper_in_every_spelling(served: Served) -> None:
    lines = []
    for n, (prefix, joint, names) in enumerate(BASH):
        get, put_, met, meet = (f"{prefix}{joint}{name}" for name in names)
        call = f"{prefix}{joint}"
        lines += [
            f'[[ $({call}input) == "{{\\"n\\": 1}}" ]] || echo input {n}',
            f'[[ $({call}event) == *\'"name":"helped"\'* ]] || echo event {n}',
            f"[[ -z $({get} BASH_NO) ]] || echo missing {n}",
            f'{put_} BASH_{n} "v {n}" || echo set {n}',
            f'X=$({get} BASH_{n}); [[ $X == "v {n}" ]] || echo get {n}',
            f"{meet} {n % 2}; [[ $({met}) == {'true' if n % 2 else 'false'} ]] || echo met {n}",
            f"{call}output {n}",
        ]
    done = ran(served, "bash", "\n".join(lines), {"n": 1})
    assert (done.out, done.told["outcome"]) == ("", "ok")
    assert (done.told["output_value"], done.told["condition"]) == (7, True)
    assert [value(served, f"BASH_{n}") for n in range(8)] == [f"v {n}" for n in range(8)]


PYTHON = """
assert {0}.input() == {{"n": 1}}
assert {0}.event()["name"] == "helped"
assert {0}.{get}("{key}_NO") is None and {0}.{met}() is None
assert {0}.{put}("{key}", {{"a": [1, "ü"]}}) is True
assert {0}.{get}("{key}") == '{{"a": [1, "ü"]}}'
assert {0}.{meet}([]) is False and {0}.{met}() is False
assert {0}.output({{"x": None}}) is None
"""
NODE = """
const is = require("assert").deepStrictEqual;
is({0}.input(), {{n: 1}});
is({0}.event().name, "helped");
is([{0}.{get}("{key}_NO"), {0}.{met}()], [null, null]);
is({0}.{put}("{key}", {{a: [1, "ü"]}}), true);
is({0}.{get}("{key}"), '{{"a":[1,"ü"]}}');
is([{0}.{meet}(0), {0}.{met}()], [false, false]);
is({0}.output({{x: null}}), undefined);
"""


def test_python_and_node_have_every_helper_in_every_spelling(served: Served) -> None:
    runs = []
    for n, (language, prefix, names) in enumerate(OTHERS):
        get, put_, met, meet = names
        key, form = f"{language.upper()}_{n}", PYTHON if language == "python" else NODE
        key = key.replace("NODE_", "JS_")
        source = form.format(prefix, get=get, put=put_, met=met, meet=meet, key=key)
        runs.append((key, started(served, language, source, {"n": 1})))
    for key, run_id in runs:
        done = ended(served, run_id)
        assert (done.out, done.told["outcome"]) == ("", "ok")
        assert (done.told["output_value"], done.told["condition"]) == ({"x": None}, False)
        assert json.loads(value(served, key)) == {"a": [1, "ü"]}


def test_bash_gives_exactly_the_value(served: Served) -> None:
    """All but line ends that `$(…)` itself takes away; -v keeps them, too."""
    exact = " \t'\"\\ $HOME `x` *\n\n  ü\n\n"
    put(served, "EXACT", exact)
    source = f"""
cat >text <<'END'
{exact}
END
head -c -1 text >file; cronium.output <file  # it is no secret of the run yet
X=$(cronium.getVariable EXACT); cronium.setVariable EXACT_SUB "$X"
cronium.getVariable -v Y EXACT; cronium.setVariable EXACT_V "$Y"
"""
    done = ran(served, "bash", source)
    assert (done.out, value(served, "EXACT_SUB")) == ("", exact.rstrip("\n"))
    assert (value(served, "EXACT_V"), done.told["output_value"]) == (exact, exact)


def test_modules_by_name_are_there_too(served: Served) -> None:
    put(served, "BY_NAME", "here")
    python = "import cronium, dogwatch\nfrom cronium import get_variable as g\n" \
             "print(g('BY_NAME') == dogwatch.getVariable('BY_NAME'))"  # fmt: skip
    node = "console.log(require('cronium').getVariable('BY_NAME') === 'here')"
    first, second = started(served, "python", python), started(served, "node", node)
    assert (ended(served, first).out, ended(served, second).out) == ("True\n", "true\n")


def test_an_input_of_the_job_serves_runs_that_have_none(served: Served) -> None:
    own = {"day": "ü", "n": [1, 2]}
    source = (
        "import sys; print(cronium.input() == {'day': 'ü', 'n': [1, 2]}, len(sys.stdin.read()))"
    )
    assert ran(served, "python", source, input=own).out == "True 21\n"
    assert ran(served, "node", "console.log(cronium.input())", "words").out == "words\n"
    assert ran(served, "bash", "cronium.input").out == "{}\n"


def test_what_a_helper_said_is_durable_when_it_returns(served: Served) -> None:
    """The script waits; meanwhile the server loses its power."""
    source = """
cronium.setVariable('DURABLE', 'yes'); cronium.output([1]); print('said', flush=True)
import time; time.sleep(60)
"""
    run_id = started(served, "python", source)
    eventually(
        lambda: b"said" in served.call("GET", f"/api/v1/runs/{run_id}/output").body,
        within_s=60,
        what="the script has said it",
    )
    served.kill9()
    served.start()
    assert value(served, "DURABLE") == "yes"
    assert served.get(f"/runs/{run_id}")["output_value"] == [1]


def test_scripts_at_once_lose_nothing(served: Served) -> None:
    source = "[cronium.setVariable(f'AT_ONCE_{KEY}_{n}', n) for n in range(20)]\n" \
             "cronium.setVariable('AT_ONCE', KEY)"  # fmt: skip
    runs = [started(served, "python", f"KEY = {n}\n{source}") for n in range(6)]
    assert {ended(served, run_id).told["outcome"] for run_id in runs} == {"ok"}
    kept = {one["key"] for one in served.every("/variables")}
    assert {f"AT_ONCE_{key}_{n}" for key in range(6) for n in range(20)} <= kept
    assert value(served, "AT_ONCE") in list("012345")
    uses = served.get("/variables/AT_ONCE")["uses"]
    assert len(uses) == 6
    assert all(use["named"] and use["set_at"] and not use["read_at"] for use in uses)


def test_secrets_are_masked_in_what_is_printed(served: Served) -> None:
    put(served, "MASKED", "correct horse/battery")
    source = """
V=$(cronium.getVariable MASKED)
echo "a $V b $MINE c"; printf 'x:%s' "$V" | base64; echo $DOGWATCH_TOKEN $CRONIUM_EXECUTION_TOKEN
python3 -c 'import sys, urllib.parse as u; print(u.quote(sys.argv[1], safe=""))' "$V" >&2
printf 'correct ho'; sleep 0.3; echo rse/battery
"""
    out = ran(served, "bash", source, env={"MINE": "s3cr3t-value"}).out
    assert "a *** b *** c\n" in out
    assert out.count("***") == 7
    for secret in ("horse", "battery", "s3cr3t", "Y29ycmVjd", "NvcnJlY3"):
        assert secret not in out


REMOTE = """
import json, os, sys, urllib.request
from urllib.error import HTTPError
from urllib.parse import urljoin  # so Cronium's client does: nothing stays behind host and port
base, run = os.environ["CRONIUM_RUNTIME_API"], os.environ["CRONIUM_EXECUTION_ID"]

def call(method, path, body=None, token=os.environ["CRONIUM_EXECUTION_TOKEN"], run=run):
    url = urljoin(base, f"/executions/{run}{path}" if path.startswith("/") else "/" + path)
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, said, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as refused:
        return refused.code, json.load(refused)
"""


def test_the_remote_form_does_the_same(served: Served) -> None:
    put(served, "REMOTE", "far away")
    source = (
        REMOTE
        + """
KEY, LONG = "/variables/REMOTE", "x" * 1100000
print(call("GET", "/input"), call("GET", KEY), call("GET", KEY + "_NO")[0])
print(call("PUT", KEY + "_OBJ", {"value": {"retries": 3}}))
print(call("GET", "/context")[1]["data"]["name"])
print(call("POST", "/output", {"data": {"done": True}}))
print(call("POST", "/condition", {"condition": True}))
print([call("GET", "/input", token=t)[0] for t in ("", "x" * 27)])
print(call("GET", "/input", run="other")[0], call("PUT", "/variables/a%20b%2Fc", {"value": 1})[0])
print([call("PUT", KEY, body)[0] for body in (None, 5, {"v": 1}, {"value": "x" * 10001})])
print(call("POST", "tool-actions/execute", {})[0], call("POST", "/output", {"data": LONG})[0])
print(call("GET", "health")[0])
"""
    )
    done = ran(served, "python", source, {"a": 1})
    assert done.out.splitlines() == [
        "(200, {'success': True, 'data': {'a': 1}}) "
        "(200, {'success': True, 'data': {'key': 'REMOTE', 'value': '***'}}) 404",
        "(200, {'success': True})",
        "helped",
        "(200, {'success': True})",
        "(200, {'success': True})",
        "[401, 401]",
        "403 400",
        "[400, 400, 400, 400]",
        "403 413",
        "200",
    ]
    assert (done.told["output_value"], done.told["condition"]) == ({"done": True}, True)
    assert value(served, "REMOTE_OBJ") == '{"retries":3}'


def test_a_token_dies_with_its_run(served: Served) -> None:
    """Turned round, it is not masked."""
    first = """
import os
cronium.output([os.environ["CRONIUM_EXECUTION_" + name][::-1] for name in ("TOKEN", "ID")])
"""
    token, run_id = (one[::-1] for one in ran(served, "python", first).told["output_value"])
    later = (
        REMOTE
        + """
token, old = cronium.input()["told"]
print([call("GET", "/input", token=token, run=r)[0] for r in (old, run)])
os.environ["DOGWATCH_TOKEN"] = token
try: cronium.setVariable("STOLEN", 1)
except cronium.HelperError as refused: print(refused)
"""
    )
    done = ran(served, "python", later, {"told": [token, run_id]})
    assert done.out == "[401, 401]\nthis run has ended here, and with it its token\n"
    assert served.call("GET", "/api/v1/variables/STOLEN").status == 404


def test_a_flood_holds_up_nobody(served: Served) -> None:
    """One script asks as fast as it can; the API and another script go on."""
    flood = """
import time
until = time.monotonic() + 2
while time.monotonic() < until: cronium.setVariable('FLOOD', time.monotonic())
"""
    flooding = started(served, "python", flood)
    eventually(
        lambda: served.call("GET", "/api/v1/variables/FLOOD").status == 200,
        within_s=60,
        what="the flood has begun",
    )
    done = ran(served, "bash", "cronium.setVariable CALM 1; cronium.getVariable CALM")
    assert (done.out, ended(served, flooding).told["outcome"]) == ("1\n", "ok")


def test_variables_on_the_command_line(served: Served) -> None:
    words = ("variable", "set", "CLI_KEY", "two\nlines\n", "--description", "of the command line")
    assert served.cli(*words).stdout == "CLI_KEY is set\n"
    ran(served, "bash", "cronium.getVariable CLI_KEY")
    assert served.cli("variable", "get", "CLI_KEY").stdout == "two\nlines\n"
    (line,) = [x for x in served.cli("variable", "ls").stdout.splitlines() if "CLI_KEY" in x]
    assert "helped" in line
    assert "of the command line" in line
    assert "two" not in served.cli("variable", "ls", "--json").stdout
    assert "reserved" in served.cli("variable", "set", "PATH", "x", code=2).stderr
    assert served.cli("variable", "rm", "CLI_KEY", "--yes").stdout == "CLI_KEY is deleted\n"
    assert "no variable" in served.cli("variable", "get", "CLI_KEY", code=3).stderr
    log = served.cli_json("audit-log")
    noted = [(one["operation"], one["object"]) for one in log if one["object"] == "CLI_KEY"]
    assert noted == [("variables.delete", "CLI_KEY"), ("variables.set", "CLI_KEY")]
