"""Yahoo Finance through yfinance: front futures, single contract months, funds and indices, daily."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from research.datasets.optional import need
from research.datasets.user_pack import ManifestLine
from research.errors import SourceError
from research.sources.catalog import Wanted
from research.sources.http import RETRIED, Client, Download, Passing
from research.sources.packaged import one_line, quietly
from research.sources.tables import need_columns, series

if TYPE_CHECKING:
    from curl_cffi import requests

MONTH_CODES = "FGHJKMNQUVXZ"

_NEW_YORK = ZoneInfo("America/New_York")
_DAY_IS_COMPLETE = 18
_HOST = "finance.yahoo.com"
_WRONG_BARS = 0.5


def download(client: Client, wanted: Wanted, former: ManifestLine) -> Download:
    """Download the whole daily history of one symbol, or of the nearest listed contracts, as CSV bytes.

    Prices are asked for unadjusted (``auto_adjust=False``); Yahoo still divides them by later splits.
    """
    yfinance = need("yfinance")
    what, symbols = _what(wanted), symbols_of(wanted, client.now().date())

    def ask() -> pd.DataFrame:
        seen: list[int | str] = []
        try:
            with quietly("yfinance"):
                frame = yfinance.download(
                    symbols,
                    period="max",
                    interval="1d",
                    auto_adjust=False,
                    actions=True,
                    repair=False,
                    group_by="column",
                    multi_level_index=True,
                    threads=False,
                    progress=False,
                    timeout=client.limits.read,
                    session=_session(client.limits.max_bytes, seen),
                )
        except Exception as error:  # noqa: BLE001 - yfinance raises whatever its transport does
            raise Passing(f"yfinance failed ({type(error).__name__}: {one_line(error)})") from None
        if frame is None or frame.empty:
            raise _nothing(what, seen)
        return pd.DataFrame(frame)

    frame = client.patiently(ask, what, _HOST)
    return Download(body=frame.to_csv().encode(), address=f"yfinance:{' '.join(symbols)}", retrieved_at=client.now())


def _session(most: int, seen: list[int | str]) -> requests.Session[requests.Response]:
    """A session of yfinance's own transport that stops at ``most`` bytes and notes in ``seen`` how prices came."""
    from curl_cffi import CurlOpt, requests

    class Capped(requests.Session[requests.Response]):
        def request(self, method: Any, url: str, *arguments: Any, **options: Any) -> requests.Response:
            prices = "/finance/chart/" in url  # and not a cookie, of which yfinance can do without
            try:
                answer = super().request(method, url, *arguments, **options)
            except Exception as error:
                if prices:
                    seen.append(one_line(error))
                raise
            if prices:
                seen.append(int(answer.status_code))
            return answer

    return Capped(impersonate="chrome", curl_options={CurlOpt.MAXFILESIZE_LARGE: most})


def _nothing(what: str, seen: list[int | str]) -> Exception:
    """Why no rows came, from the last answer: worth another try, or not."""
    last = seen[-1] if seen else 200
    if isinstance(last, int):
        if last in RETRIED:
            return Passing(f"{last} from Yahoo")
        if last >= 400:
            return SourceError(f"{what}: {last} from Yahoo; it was renamed or is refused from here, try again later")
        return SourceError(f"{what}: Yahoo sent no rows (offline, throttled or renamed); try again later")
    if "maximum" in last.lower() and "size" in last.lower():
        return SourceError(f"{what}: Yahoo sends far more than a history; the address leads to something else")
    offline = any(word in last.lower() for word in ("resolve", "connect", "timed out"))
    return Passing(f"no rows from Yahoo ({last})", silent=offline, again=not offline)


def symbols_of(wanted: Wanted, today: date) -> list[str]:
    """The symbols to ask for; contracts are spelled like ``SIH27.CMX``, from the current month on.

    >>> symbols_of({"root": "SI", "months": "HKNUZ", "contracts": 2}, date(2026, 11, 23))
    ['SIZ26.CMX', 'SIH27.CMX']
    """
    if "symbol" in wanted:
        return [wanted["symbol"]]
    found: list[str] = []
    year, month = today.year, today.month
    while len(found) < int(wanted["contracts"]):
        code = MONTH_CODES[month - 1]
        if code in wanted["months"]:
            found.append(f"{wanted['root']}{code}{year % 100:02d}.CMX")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def contract_month(symbol: str) -> str:
    """Delivery month ``YYYYMM`` of a symbol such as ``SIH27.CMX``.

    >>> contract_month("SIH27.CMX")
    '202703'
    """
    head = symbol.split(".")[0]
    return f"20{head[-2:]}{MONTH_CODES.index(head[-3]) + 1:02d}"


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read yfinance's frame, as CSV with its two header rows ``Price`` and ``Ticker``.

    A bar of a day that is not complete (18:00 New York) is dropped, as are days without a close.

    Raises
    ------
    SourceError
        If a column or symbol is missing, nothing is left, bars contradict themselves, or a future shows a split,
        which no future has.
    """
    what = _what(wanted)
    try:
        frame = pd.read_csv(BytesIO(body), header=[0, 1], index_col=0, parse_dates=False)
    except (ValueError, IndexError) as error:
        raise SourceError(
            f"{what}: not the frame that yfinance used to give ({one_line(error)}); update yfinance"
        ) from None
    if frame.columns.nlevels != 2 or frame.empty:
        raise SourceError(f"{what}: the frame holds no rows; try again later, what is kept stays")
    days = pd.DatetimeIndex(pd.to_datetime(frame.index.astype("str").str.slice(0, 10), errors="coerce")).as_unit("us")
    if days.isna().any():
        raise SourceError(f"{what}: a row has no readable date; update yfinance")
    complete = _last_complete_day(as_of)
    if "symbol" not in wanted:
        return _contracts(frame, days, complete, what)
    one = _one_symbol(frame, wanted["symbol"], days, complete, what)
    return series(one["observed_for"], one["close"], what)


def _contracts(frame: pd.DataFrame, days: pd.DatetimeIndex, complete: pd.Timestamp, what: str) -> pd.DataFrame:
    symbols = list(dict.fromkeys(frame.columns.get_level_values(1)))
    parts = []
    for symbol in symbols:
        one = _one_symbol(frame, symbol, days, complete, what)
        parts.append(one.assign(contract=contract_month(symbol)))
    table = pd.concat(parts, ignore_index=True)
    if table.empty:
        raise SourceError(f"{what}: no contract has a price; try again later, what is kept stays")
    columns = ["observed_for", "contract", "open", "high", "low", "close", "volume"]
    return table[columns].sort_values(["observed_for", "contract"], ignore_index=True)


def _one_symbol(
    frame: pd.DataFrame, symbol: str, days: pd.DatetimeIndex, complete: pd.Timestamp, what: str
) -> pd.DataFrame:
    if symbol not in frame.columns.get_level_values(1):
        raise SourceError(f"{what}: no column for {symbol} came; Yahoo may have renamed it")
    one = frame.loc[:, frame.columns.get_level_values(1) == symbol].droplevel(1, axis=1)
    need_columns(one, ["Open", "High", "Low", "Close", "Volume"], what)
    splits = pd.to_numeric(one["Stock Splits"], errors="coerce").fillna(0) if "Stock Splits" in one else None
    if splits is not None and (splits != 0).any() and ("=" in symbol or symbol.endswith(".CMX")):
        raise SourceError(f"{what}: {symbol} shows a split, which no future has; do not trust this answer")
    table = pd.DataFrame({"observed_for": days})
    for name in ("Open", "High", "Low", "Close", "Volume"):
        table[name.lower()] = pd.to_numeric(one[name], errors="coerce").to_numpy(float)
    low, high = table[["open", "close"]].min(axis=1), table[["open", "close"]].max(axis=1)
    wrong = (table["low"] > low * 1.001) | (table["high"] < high * 0.999)
    if wrong.sum() > max(2, _WRONG_BARS * len(table)):
        raise SourceError(
            f"{what}: {int(wrong.sum())} of {len(table)} bars of {symbol} open or close outside their own low and "
            "high; columns were exchanged, try again later"
        )
    kept = table["close"].notna() & (table["observed_for"] <= complete)
    return table[kept].reset_index(drop=True)


def _last_complete_day(as_of: datetime) -> pd.Timestamp:
    local = as_of.astimezone(_NEW_YORK)
    day = local.date() if local.hour >= _DAY_IS_COMPLETE else local.date() - timedelta(days=1)
    return pd.Timestamp(day)


def _what(wanted: Wanted) -> str:
    return f"yahoo {wanted.get('symbol') or wanted['root'] + ' contracts'}"
