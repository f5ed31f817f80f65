"""What a column header means: the words for time, prices, volume and coin in the languages people write.

A header is split into words; the longest known phrase gives the role, and what is left may name a coin,
a currency or a zone ("Volume BTC", "close_eth", "Time (UTC+2)").
"""

import contextlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from storage import coins

TIME, END_TIME, DATE, CLOCK, CREATED = "time", "end time", "date", "clock", "created"
OPEN, HIGH, LOW, CLOSE, VOLUME = "open", "high", "low", "close", "volume"
BID, ASK, BUY, SELL, COIN, QUOTE, BASE, VENUE = "bid", "ask", "buy", "sell", "coin", "quote", "base", "venue"
INTERVAL, IGNORED, ZONE, FINISHED = "interval", "ignored", "zone", "finished"
PRICES = (OPEN, HIGH, LOW, CLOSE)

_PHRASES = {
    TIME: """
        time, timestamp, time stamp, date time, datetime, unix, unix time, unix timestamp,
        unixtime, epoch, ts, t, open time, opentime, start time, start, begin, bar time,
        candle time, kline open time, candle begin time, bar start, zeitstempel, datum uhrzeit,
        datum zeit, zeitpunkt, fecha y hora, fecha hora, horodatage, date heure, data e hora,
        data ora, data hora, data e ora, tijdstip, date et heure, dateandtime, when, period start,
        window start, observed at, recorded at, valid from, mts, at, time utc, 时间, 开盘时间, 日時, 時間,
        시간, 일시, время, дата и время, дата время, tarih saat, czas, tid, 交易时间, 時刻
    """,
    END_TIME: """
        close time, closetime, end time, endtime, end, bar end, candle end, kline close time,
        period end, window end, time close, time end, until, 收盘时间, schlusszeit, ende
    """,
    DATE: """
        date, day, datum, tag, fecha, dia, jour, data, giorno, дата, 日期, 日付, 日付け, 날짜, tarih, dato,
        trade date, trading day, yyyymmdd, gun, tanggal, tarih, ημερομηνία
    """,
    CLOCK: """
        clock, uhrzeit, zeit, hora, heure, ora, tijd, saat, hhmm, hhmmss, time of day, godzina,
        klockslag, kl, jam
    """,
    CREATED: """
        created at, created, updated at, updated, inserted at, last updated, timestamp created,
        modified, retrieved at, scraped at
    """,
    OPEN: """
        open, o, opening, open price, opening price, px open, first, eroffn, eroffnung, eroffnungskurs,
        anfang, ouv, откр, oppen, ouverture, apertura, abertura, openingskoers, opening koers, abierto, abre,
        oppning, otwarcie, pembukaan, otevreni, відкриття, άνοιγμα, acilis, открытие, цена открытия, 开盘, 开盘价, 始値, 시가, 開盤, 開盤價, premier,
        primo
    """,
    HIGH: """
        high, h, hi, highest, high price, max, maximum, px high, hoch, hochst, hochstkurs,
        tageshoch, haut, plus haut, alto, maximo, massimo, maxima, hoogste, hoog, hogst, najwyzszy,
        yuksek, tertinggi, υψηλό, максимум, макс, макс цена, 高, 最高, 最高价, 高値, 고가, 最高價
    """,
    LOW: """
        low, l, lo, lowest, low price, min, minimum, px low, tief, tiefst, tiefstkurs, tagestief,
        bas, plus bas, bajo, baixo, minimo, minima, laagste, laag, lagst, najnizszy, dusuk, terendah, χαμηλό, мінімум,
        минимум, мин, мин цена, 低, 最低, 最低价, 安値, 저가, 最低價
    """,
    CLOSE: """
        close, c, prices, closing, close price, closing price, last, last price, price, px, px close,
        px last, zuletzt, laatste, ostatnio, simdi, senast, senaste, schluss, schlusskurs, letzter, kurs, preis, cloture, dernier, prix, cierre,
        precio, ultimo, ultimo precio, fechamento, preco, chiusura, prezzo, slot, slotkoers, koers,
        prijs, stangning, zamkniecie, penutupan, zavreni, κλείσιμο, закриття, cena, kapanis, fiyat, закрытие, цена закрытия, цена,
        последняя, 收盘, 收盘价, 終値, 종가, 收盤, 收盤價, 价格, 価格, 가격, spot price, rate, value, mark, mark price,
        price usd, fermeture, cerrado, cours, quote price, trade price, ultima, adj close,
        adjusted close
    """,
    VOLUME: """
        volume, v, vol, volumen, base volume, volume base, basevolume, base asset volume,
        trade volume, traded volume, amount, qty, quantity, size, menge, umsatz stuck, volym,
        wolumen, wol, hacim, hac, objem, όγκος, обсяг, объем, обьем, 交易量, 成交量, 出来高, 거래량, total volume, volume traded, volume 24h,
        total volumes, volumes, handelsvolumen, stuck
    """,
    BID: """
        bid, bid price, best bid, geld, geldkurs, bid px, bid close, compra bid, bidprice, demande
    """,
    ASK: "ask, ask price, best ask, offer, brief, briefkurs, ask px, ask close, askprice, offre",
    BUY: "buy, buy price, kaufen, kauf, kaufkurs, compra, achat, acquisto, buy rate",
    SELL: """
        sell, sell price, verkaufen, verkauf, verkaufskurs, venta, vente, venda, vendita,
        sell rate
    """,
    COIN: """
        coin, symbol, pair, ticker, market, asset, instrument, coin type, cointype, currency pair,
        sym, crypto, token, s, product, product id, coin name, coin id, trading pair, instrument id,
        inst id, instid, currency, cryptocurrency, name, wahrung, munze, moneda, monnaie, moeda,
        moneta, munt, par, paar, handelspaar, simbolo, symbole, валюта, монета, пара, 币种, 交易对, 通貨,
        銘柄, 종목, 코인, para birimi, sembol, ric, code, coin symbol, base symbol, slug
    """,
    QUOTE: """
        quote, quote currency, quote asset, quote symbol, vs currency, counter currency,
        kurswahrung, quotecurrency, denominated in, priced in
    """,
    BASE: "base, base currency, base asset, basecurrency",
    VENUE: """
        exchange, series, venue, market place, source exchange, borse, bourse, bolsa,
        exchange name
    """,
    ZONE: """
        tz, timezone, time zone, utc offset, gmt offset, offset, zone, tzinfo, zeitzone, zona horaria,
        fuseau horaire, fuso orario, часовой пояс, 时区
    """,
    FINISHED: "is closed, closed, confirm, confirmed, complete, completed, is final, is complete, x",
    INTERVAL: "interval, timeframe, resolution, granularity, period, bar size, cadence",
    IGNORED: """
        id, index, idx, no, nr, row, trades, number of trades, trade count, tradecount, count, n,
        num trades, change, chg, change percent, vwap, average, avg, avg price, weighted average,
        weightedaverage, quote volume, volume quote, quotevolume, quote asset volume, turnover,
        taker buy volume, taker buy base asset volume, taker buy quote asset volume,
        taker buy base volume, taker buy quote volume, taker base vol, taker quote vol, ignore,
        market cap, marketcap, market caps, comment, note, notes, remark, open interest, dividends,
        stock splits, type, flag, src, source, url, spread,
        mid, midpoint, bid size, ask size, bid volume, ask volume, bid qty, ask qty, volccy,
        volccyquote, vol ccy quote, vol ccy, sma, ema, rsi, return, returns, log return, high time,
        low time, time high, time low, funding rate, veranderung, anderung, variation, variazione,
        variacion, rank, dominance, circulating supply, supply, adj open, adj high, adj low,
        adj volume, trades count, number trades, umsatz, 成交额, 涨跌幅, 成交笔数
    """,
}

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LETTERS = str.maketrans("ıøłđ", "iold")  # which no decomposition takes apart
_INDEX_NAMES = re.compile(r"|unnamed.*|__index_level_\d+__|index", re.I)


@dataclass(frozen=True)
class Header:
    """What one header says: a role if a phrase of it is known, and the words that are left."""

    text: str
    role: str | None
    rest: tuple[str, ...] = ()
    # Of its phrase among those of the role: "close" goes before "last" and "adj close", "l" before "L", which
    # feeds use for something else.
    rank: int = 0

    @property
    def market(self) -> coins.Market | None:
        """The coin or pair that the words beside the role name."""
        joined = "/".join(self.rest[:2])
        for candidate in (joined, *self.rest) if len(self.rest) > 1 else self.rest:
            if coins.known(candidate):
                return coins.market(candidate)
        return None


def describe(texts: Sequence[str]) -> Header:
    """Read the cells above a column: one, or one of each header row, of which any may name role or coin."""
    whole = " ".join(text.strip() for text in texts if text.strip())
    for text in (*texts, whole):
        found = _describe_one(text)
        if found.role:
            words = tuple(word for other in texts if other != text for word in _words(other))
            return Header(whole, found.role, found.rest + words, found.rank)
    return Header(whole, None, tuple(_words(whole)))


def is_time(texts: Sequence[str]) -> bool:
    """Whether any cell above a column names a time."""
    return any(_describe_one(text).role in (TIME, END_TIME, DATE, CLOCK, CREATED) for text in texts)


def understood(headers: Sequence[Sequence[str]]) -> int:
    """How many columns the headers give a role or a coin."""
    return sum(1 for texts in headers if (found := describe(texts)).role or found.market)


def is_unnamed(texts: Sequence[str]) -> bool:
    """Whether a column has no name of its own, as a saved index has not."""
    return all(_INDEX_NAMES.fullmatch(text.strip()) for text in texts)


def _describe_one(text: str) -> Header:
    words = _words(text)
    phrases = _phrases()
    for length in range(min(5, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            role, rank = phrases.get(" ".join(words[start : start + length]), (None, 0))
            # A single letter is a role only where it stands alone.
            if role and (len(words[start]) > 1 or length == len(words) or not words[start].isascii()):
                rank += 1_000 * (len(text.strip()) == 1 and text.strip() in "TOHLCV")
                return Header(text, role, (*words[:start], *words[start + length :]), rank)
    return Header(text, None, tuple(words))


def _words(text: str) -> list[str]:
    if "Ã" in text:  # UTF-8 that was once read as Latin: ErÃ¶ffnung
        with contextlib.suppress(UnicodeError):
            text = text.encode("cp1252").decode("utf-8")
    text = unicodedata.normalize("NFKD", _CAMEL.sub(" ", text.strip().lstrip("\ufeff")))
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).casefold()
    text = text.translate(_LETTERS)
    text = unicodedata.normalize("NFC", text)
    if not text.isascii() and " " not in text and not re.search(r"[\W_]", text):
        return [text]
    return [word for word in re.split(r"[\W_]+", text) if word]


@cache
def _phrases() -> dict[str, tuple[str, int]]:
    known: dict[str, tuple[str, int]] = {}
    for role, phrases in _PHRASES.items():
        for rank, phrase in enumerate(phrases.split(",")):
            known[" ".join(_words(phrase))] = role, rank
    return known
