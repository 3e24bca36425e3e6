"""The one door to the network: a polite client that answers every fault with one line.

Nothing else in the project opens a connection (yfinance and akshare bring their own, and stand behind their
own modules). A download is either complete and of the kind asked for, or it is a ``SourceError``.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

from research.datasets.importing.files import OLE2, ZIP, gunzip
from research.errors import SourceError, need
from research.provenance import versions

if TYPE_CHECKING:
    import httpx

Kind = Literal["csv", "json", "excel", "zip", "html", "xml"]

T = TypeVar("T")

_ONE_AT_A_TIME = threading.RLock()

SECRET = "api_key"
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_BEGINNINGS = {"excel": (OLE2, ZIP), "zip": (ZIP,), "xml": (b"<",), "json": (b"{", b"[")}
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


_REMEDIES = {
    400: "the request is refused: a series was renamed, or a key is wrong",
    401: "it wants a key or a login",
    404: "the address or the series is gone: look it up at the provider",
}


class Unreachable(SourceError):
    """No connection, or no answer from a host in all tries; the host is then left alone."""


def by_hand(message: str, address: str) -> SourceError:
    """Only a person with a browser gets it; the message ends in the line to type, with ``ID`` for the dataset."""
    parts = urlsplit(address)
    name = parse_qs(parts.query).get("id", [""])[0]
    name = f"{name}.csv" if name else parts.path.rsplit("/", 1)[-1]
    file = name if "." in name else "FILE"
    return SourceError(f"{message}; save {address} in a browser, then type: assay data add {file} --as ID")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long and how much the client puts up with (seconds, bytes, counts; ``slowest`` in bytes a second)."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 180.0
    slowest: float = 1024.0
    tries: int = 4
    redirects: int = 5
    max_bytes: int = 64 * 2**20
    backoff: float = 1.0
    longest_wait: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Download:
    """What a provider sent.

    Attributes
    ----------
    body
        The decoded bytes.
    address
        Where it came from, without secrets.
    retrieved_at
        UTC time at which the last byte arrived.
    second_hand
        Of a copy, taken because the provider did not answer, whose it is: it may end before what is kept.
    """

    body: bytes
    address: str
    retrieved_at: datetime
    second_hand: str = ""


def base_address(provider: str, default: str) -> str:
    """Return ``$ASSAY_<PROVIDER>_URL`` when it is set, else the provider's public address."""
    return os.environ.get(f"ASSAY_{provider.upper()}_URL", default).rstrip("/")


def utc_now() -> datetime:
    """Now, in UTC, to the microsecond."""
    return datetime.now(UTC)


class Client:
    """A well-mannered HTTP client; use it as a context manager.

    Parameters
    ----------
    limits
        Patience and sizes.
    sleep, now
        The clock, so that tests need not wait.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        need("httpx")
        import httpx

        self.limits = limits or Limits()
        self.now = now
        self._sleep = sleep
        self._unreachable: dict[str, str] = {}
        self._answers: dict[str, Download | SourceError] = {}
        self._http = httpx.Client(
            timeout=httpx.Timeout(self.limits.read, connect=self.limits.connect),
            follow_redirects=True,
            max_redirects=self.limits.redirects,
            headers={"User-Agent": user_agent(), "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(
        self,
        url: str,
        *,
        kind: Kind,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Download:
        """Download ``url``, trying again politely where that can help; one address is asked once per client.

        Parameters
        ----------
        kind
            What the body must be; a web page in place of data is an error.
        headers
            What this provider wants to be told besides.

        Raises
        ------
        SourceError
            On any answer that is not the complete data.
        """
        request = self._http.build_request("GET", url, params=params, headers=dict(headers))
        url, bare = str(request.url), request.url.copy_remove_param(SECRET)
        address = str(bare) if SECRET in request.url.params else url
        if url not in self._answers:
            host = request.url.netloc.decode("ascii")
            try:
                self._answers[url] = self.patiently(lambda: self._once(request, address, kind), host)
            except SourceError as error:
                self._answers[url] = error
        answer = self._answers[url]
        if isinstance(answer, SourceError):
            raise copy(answer)
        return answer

    def patiently(self, ask: Callable[[], T], host: str) -> T:
        """What ``ask`` returns, tried again after each ``Passing`` fault.

        A host that stays silent, or drips, is left alone from then on.

        Raises
        ------
        SourceError
            When patience ends.
        """
        if host in self._unreachable:
            raise Unreachable(self._unreachable[host])
        last = Passing(f"no answer from {host}")
        for attempt in range(self.limits.tries):
            if attempt:
                self._sleep(self._wait(attempt, last))
            try:
                return ask()
            except Passing as fault:
                last = fault
                if not fault.again:
                    break
        line = f"{last}{f' in {self.limits.tries} tries' if last.again else ''}; {last.remedy}"
        if not last.silent:
            raise SourceError(line)
        self._unreachable[host] = line
        raise Unreachable(line)

    def _once(self, request: httpx.Request, address: str, kind: Kind) -> Download:
        """One try: the whole body, or what is wrong, in our words."""
        import httpx

        host, started, limits = request.url.host, time.monotonic(), self.limits
        try:
            with contextlib.closing(self._http.send(request, stream=True)) as response:
                told = response.headers
                _refuse_bad_answer(response, address)
                declared = told.get("Content-Length", "")
                self._refuse_too_big(int(declared) if declared.isdigit() else 0, address)
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    self._refuse_too_big(len(body), address)
                    passed = time.monotonic() - started
                    if passed > limits.total or (passed > limits.read and len(body) < passed * limits.slowest):
                        raise Passing(f"{address} was not complete after {passed:.0f} s", silent=True, again=False)
        except httpx.ConnectError:
            remedy = "what is kept stays, fetch again when online"
            raise Passing(f"no connection to {host}", silent=True, again=False, remedy=remedy) from None
        except httpx.TooManyRedirects:
            moved = "the address has probably moved: look it up and set it by the provider's ASSAY_…_URL"
            raise SourceError(f"{address} redirects more than {limits.redirects} times; {moved}") from None
        except httpx.TimeoutException:
            raise Passing(f"no answer from {host} within {limits.read:g} s", silent=True) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise SourceError(f"{address} is no address ({error}); correct ASSAY_…_URL") from None
        except httpx.HTTPError as error:
            raise Passing(f"the connection to {host} broke ({type(error).__name__})", silent=True) from None
        content = bytes(body)
        if "gzip" in told.get("Content-Encoding", "").lower():
            try:
                content = gunzip(content, limits.max_bytes)
            except ValueError as error:
                raise Passing(f"the gzip stream is {error}") from None
            self._refuse_too_big(len(content), address)
        refuse_other_kind(content, kind, address)
        return Download(body=content, address=address, retrieved_at=self.now())

    def _refuse_too_big(self, size: int, address: str) -> None:
        if size > self.limits.max_bytes:
            raise SourceError(
                f"{address} sends {size / 2**20:,.0f} MB or more where at most {self.limits.max_bytes / 2**20:,.0f} MB "
                "are expected; the address now leads to something else"
            )

    def _wait(self, attempt: int, fault: Passing) -> float:
        asked = _retry_after(fault.retry_after, self.now())
        if asked is None:
            return min(self.limits.backoff * 2.0 ** (attempt - 1), self.limits.longest_wait)
        if asked > self.limits.longest_wait:
            raise SourceError(f"{fault}, which asks to wait {asked:.0f} s; fetch again after that")
        return asked


@dataclass(eq=False)
class Passing(Exception):
    """A fault that may be gone at the next try.

    ``silent``: the host is not worth asking for anything else now; ``again``: worth another try.
    """

    message: str
    retry_after: str | None = None
    _: KW_ONLY
    silent: bool = False
    again: bool = True
    remedy: str = "try again later"

    def __str__(self) -> str:
        return self.message


def _refuse_bad_answer(response: httpx.Response, address: str) -> None:
    status, told = response.status_code, response.headers
    if status in RETRIED:
        raise Passing(f"{status} from {address}", told.get("Retry-After"))
    if status == 403:
        raise by_hand(f"403 from {address}; it refuses programs from here", address)
    if status != 200:
        raise SourceError(f"{status} from {address}; {_REMEDIES.get(status, 'try again later')}")
    encoding = told.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise SourceError(f"{address} came in the encoding {encoding!r} that was not asked for")


def refuse_other_kind(body: bytes, kind: Kind, address: str) -> None:
    """Raise what speaks against a body being whole and of its kind: ``Passing`` where a further try may help."""
    head = body[:512].lstrip(_BLANKS).lower()
    if not head:
        raise SourceError(f"{address} sent an empty body; try again later")
    if kind != "html" and head.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        raise by_hand(f"{address} sent a web page instead of {kind} (a login, consent or block page)", address)
    if kind == "csv" and not body.endswith(b"\n"):
        raise Passing(f"{address} ends in the middle of a line: the answer is cut")
    if not body[:512].lstrip(_BLANKS).startswith(_BEGINNINGS.get(kind, b"")):
        raise SourceError(f"{address} did not send {kind}; the provider changed its format")


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds that a server asks to wait, in either form of RFC 9110; None where it does not, or not readably."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def user_agent() -> str:
    """How the client names itself."""
    return f"assay/{versions()['assay'].replace(' ', '-')} (backtesting research; a few requests a day)"


def one_line(error: BaseException) -> str:
    """The message of an error on one line, cut to what a line holds."""
    return " ".join(str(error).split())[:160]


def asked_quietly(package: str, ask: Callable[[], T]) -> T:
    """What ``ask`` returns; what the package prints, logs and warns is swallowed: its failure is said once, by us.

    Streams and filters belong to the process, so only one thread is inside at a time.

    Raises
    ------
    Passing
        Whatever the package lets through.
    """
    logger = logging.getLogger(package)
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        former = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return ask()
        except Exception as error:  # noqa: BLE001 - whatever the page, its transport or pandas raised
            raise Passing(f"{package} failed ({type(error).__name__}: {one_line(error)})") from None
        finally:
            logger.setLevel(former)
