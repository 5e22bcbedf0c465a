"""What every page passes: who is there, whether a form is ours, and what becomes of problems."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Request, Response

from dogwatch.core.problems import Problem
from dogwatch.core.script_action import MAX_SOURCE_BYTES
from dogwatch.usecases import people
from dogwatch.usecases.people import Present
from dogwatch.web.dashboard import cookie
from dogwatch.web.dashboard.pages import LIVE, moved, refused, rendered
from dogwatch.web.dashboard.visit import Visit
from dogwatch.web.origin import origin_of, vouched
from dogwatch.web.page import Endpoint
from dogwatch.web.services import Services

Handler = Callable[[Visit], Awaitable[Response]]

_SAFE = frozenset({"GET", "HEAD"})
_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 16_384
# A script may be long, and each of its bytes three in a form.
_LONG_FORM_BYTES = 3 * MAX_SOURCE_BYTES + _FORM_BYTES
_LONG_FORMS = ("/new", "/crontab", "/edit", "/preview", "/files")
# What programs load; none of them could fill in the page to sign in.
_NO_PAGES = (".json", ".svg")
# As many as items of a page can be ticked, and some more.
_FORM_FIELDS = 140
# What a form tells beside its fields; other problems get a page of their own.
_TOLD = frozenset({"invalid", "conflict", "limited"})


def open_to_all(handler: Handler) -> Endpoint:
    """Return a page for anybody."""

    async def answer(request: Request) -> Response:
        visit = _bare(request)
        try:
            return await handler(await _arrived(visit))
        except Problem as problem:
            return rendered(replace(visit, problem=problem), "problem.html")

    return answer


def signed_in(handler: Handler) -> Endpoint:
    """Return a page for those who are signed in; its forms carry the session's token."""

    async def checked(visit: Visit) -> Response:
        if visit.present is None:
            if visit.request.url.path.endswith(_NO_PAGES):
                return refused()
            place = visit.place
            return moved(visit, f"login?{urlencode({'next': place})}" if place else "login")
        if visit.request.method not in _SAFE:
            visit.check_form_token()
        return await handler(visit)

    return open_to_all(checked)


def either(stranger: Endpoint, member: Handler) -> Endpoint:
    """Return a page that is another one for those who are signed in."""

    async def answer(request: Request) -> Response:
        visit = await _arrived(_bare(request))
        if visit.present is None:
            return await stranger(request)
        return await open_to_all(member)(request)

    return answer


def form(show: Handler, take: Handler) -> Handler:
    """Return a page that shows a form and takes it, or shows it again with what was wrong."""

    async def answer(visit: Visit) -> Response:
        if visit.request.method in _SAFE:
            return await show(visit)
        try:
            return await take(visit)
        except Problem as problem:
            if problem.kind not in _TOLD:
                raise
            return await show(replace(visit, problem=problem))

    return answer


# --- arriving ---


def _bare(request: Request) -> Visit:
    services: Services = request.app.state.services
    return Visit(
        services=services,
        request=request,
        at=services.clock.now(),
        remote_ip=origin_of(request.scope, services.trusted_proxies).ip,
        token=cookie.token_of(request, services),
        named=vouched(
            request.scope, services.trusted_proxies, services.trusted_user_header
        ),
    )  # fmt: skip


async def _arrived(visit: Visit) -> Visit:
    form: Mapping[str, str] = {}
    if visit.request.method not in _SAFE:
        _check_origin(visit)
        form = await _form_of(visit.request)
    return replace(visit, present=await _present(visit), form=form)


async def _present(visit: Visit) -> Present | None:
    """Return who holds the cookie, unless the proxy says that somebody else is there."""
    if not visit.token:
        return None
    vault = visit.services.vault
    present = await visit.read(lambda tx: people.present(tx, visit.token, vault, visit.at))
    if present is None or visit.named not in (None, present.user.email):
        return None
    # A page that asks again by itself is nobody's presence.
    if present.stale and LIVE not in visit.request.headers:
        await visit.write(lambda tx: people.seen(tx, present.session, visit.at))
    return present


def _check_origin(visit: Visit) -> None:
    """Raise refused for a form that another site sends through the browser, or nobody knows who."""
    sent = visit.request.headers.get("origin", "").lower()
    base = urlsplit(visit.services.base_url.lower())
    own = urlsplit(sent)
    ours = {base.netloc, visit.request.headers.get("host", "").lower()}
    if own.scheme not in ("http", "https") or own.netloc not in ours:
        raise Problem("refused", "this form was not sent by a page of this Dogwatch")
    if base.scheme == "https" and own.netloc == base.netloc and own.scheme != "https":
        raise Problem("refused", "send this form over https")


async def _form_of(request: Request) -> Mapping[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Problem("invalid", "send a form")
    long = request.url.path.endswith(_LONG_FORMS)
    body, most = bytearray(), _LONG_FORM_BYTES if long else _FORM_BYTES
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Problem("invalid", "the form is too large")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_FORM_FIELDS
        )
    except ValueError:
        raise Problem("invalid", "the form cannot be read") from None
    # PostgreSQL keeps no NUL in a text.
    return {name: value.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, value in fields}
