"""Yahoo Finance through yfinance: front futures, single contract months, funds and indices, daily."""

from __future__ import annotations

from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pandas as pd

from research.errors import SourceError, need
from research.sources import tables
from research.sources.catalog import Wanted
from research.sources.http import RETRIED, Client, Download, Passing, asked_quietly, one_line

if TYPE_CHECKING:
    from curl_cffi import requests

_MONTH_CODES = "FGHJKMNQUVXZ"
_CLOSE = ("America/New_York", 18)
_PRICES = ["Open", "High", "Low", "Close", "Volume"]
_WRONG_BARS = 0.5
_HISTORY = {"period": "max", "interval": "1d", "auto_adjust": False, "actions": True, "repair": False}
_SHAPE = {"group_by": "column", "multi_level_index": True, "threads": False, "progress": False}


def download(client: Client, wanted: Wanted, last: date | None) -> Download:
    """Download the whole daily history of one symbol, or of the nearest listed contracts, as CSV bytes.

    Prices are asked for unadjusted (``auto_adjust=False``); Yahoo still divides them by later splits.
    """
    yfinance, symbols = need("yfinance"), symbols_of(wanted, client.now().date())

    def ask() -> pd.DataFrame:
        seen: list[int | str] = []
        transport = {"timeout": client.limits.read, "session": _session(client.limits.max_bytes, seen)}
        frame = asked_quietly("yfinance", lambda: yfinance.download(symbols, **_HISTORY, **_SHAPE, **transport))
        if frame is None or frame.empty:
            raise _nothing(seen)
        return pd.DataFrame(frame)

    frame = client.patiently(ask, "finance.yahoo.com")
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


def _nothing(seen: list[int | str]) -> Passing:
    """Why no rows came, from the last answer: worth another try, or not."""
    last = seen[-1] if seen else 200
    if isinstance(last, int):
        told = f"{last} from Yahoo" if last >= 400 else "Yahoo sent no rows"
        return Passing(f"{told} (throttled, renamed, or refused from here)", again=last in RETRIED)
    if "maximum" in last.lower() and "size" in last.lower():
        remedy = "the address leads to something else"
        return Passing("Yahoo sends far more than a history", again=False, remedy=remedy)
    offline = any(word in last.lower() for word in ("resolve", "connect", "timed out"))
    return Passing(f"no rows from Yahoo ({last})", silent=offline, again=not offline)


def symbols_of(wanted: Wanted, today: date) -> list[str]:
    """The symbols to ask for; contracts are spelled like ``SIH27.CMX``, from the current month on.

    >>> symbols_of({"root": "SI", "months": "HKNUZ", "contracts": 2}, date(2026, 11, 23))
    ['SIZ26.CMX', 'SIH27.CMX']
    """
    if "symbol" in wanted:
        return [wanted["symbol"]]
    count = int(wanted["contracts"])
    months = [(_MONTH_CODES[one.month - 1], one.year) for one in pd.period_range(today, periods=12 * count, freq="M")]
    listed = [(code, year) for code, year in months if code in wanted["months"]][:count]
    return [f"{wanted['root']}{code}{year % 100:02d}.CMX" for code, year in listed]


def contract_month(symbol: str) -> str:
    """Delivery month ``YYYYMM`` of a symbol such as ``SIH27.CMX``.

    >>> contract_month("SIH27.CMX")
    '202703'
    """
    head = symbol.split(".")[0]
    return f"20{head[-2:]}{_MONTH_CODES.index(head[-3]) + 1:02d}"


def parse(body: bytes, wanted: Wanted, as_of: datetime) -> pd.DataFrame:
    """Read yfinance's frame, as CSV with its two header rows ``Price`` and ``Ticker``.

    A bar of a day that is not complete (18:00 New York) is dropped, as are days without a close.

    Raises
    ------
    SourceError
        If a column or symbol is missing, nothing is left, bars contradict themselves, or a future shows a split,
        which no future has.
    """
    try:
        frame = pd.read_csv(BytesIO(body), header=[0, 1], index_col=0, parse_dates=False)
    except (ValueError, IndexError) as error:
        raise SourceError(f"not the frame that yfinance used to give ({one_line(error)}); update yfinance") from None
    if frame.columns.nlevels != 2 or frame.empty:
        raise SourceError("the frame holds no rows; try again later, what is kept stays")
    days = pd.to_datetime(frame.index.astype("str").str.slice(0, 10), errors="coerce").as_unit("us")
    if days.isna().any():
        raise SourceError("a row has no readable date; update yfinance")
    frame = frame.set_axis(days)[days <= tables.last_complete_day(as_of, *_CLOSE)]
    if "symbol" in wanted:
        one = _one_symbol(frame, wanted["symbol"])
        return tables.observations(one["observed_for"], value=one["close"])
    symbols = frame.columns.get_level_values(1).unique()
    table = pd.concat([_one_symbol(frame, symbol).assign(contract=contract_month(symbol)) for symbol in symbols])
    if table.empty:
        raise SourceError("no contract has a price; try again later, what is kept stays")
    columns = ["observed_for", "contract", *map(str.lower, _PRICES)]
    return table[columns].sort_values(["observed_for", "contract"], ignore_index=True)


def _one_symbol(frame: pd.DataFrame, symbol: str) -> pd.DataFrame:
    if symbol not in frame.columns.get_level_values(1):
        raise SourceError(f"no column for {symbol} came; Yahoo may have renamed it")
    own = pd.DataFrame(frame.xs(symbol, axis=1, level=1))
    one = tables.need_columns(own, *_PRICES).apply(pd.to_numeric, errors="coerce")
    if "Stock Splits" in one and ("=" in symbol or symbol.endswith(".CMX")) and one["Stock Splits"].fillna(0).any():
        raise SourceError(f"{symbol} shows a split, which no future has; do not trust this answer")
    table: pd.DataFrame = one[_PRICES].astype(float).rename(columns=str.lower).rename_axis("observed_for").reset_index()
    low, high = table[["open", "close"]].min(axis=1), table[["open", "close"]].max(axis=1)
    wrong = (table["low"] > low * 1.001) | (table["high"] < high * 0.999)
    if wrong.sum() > max(2, _WRONG_BARS * len(table)):
        raise SourceError(
            f"{int(wrong.sum())} of {len(table)} bars of {symbol} open or close outside their own low and high; "
            "columns were exchanged, try again later"
        )
    return table.dropna(subset="close", ignore_index=True)
