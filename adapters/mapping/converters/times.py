"""Date and time converters: patterns, epochs and ranges."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from adapters.mapping.converters.kind import BadArgument, Codes, Converter, Kind, OutsideDomain, Specimen
from adapters.mapping.converters.moments import EPOCH, Moment, canonical_moment, is_day, moment_of
from adapters.mapping.converters.numbers import whole
from adapters.mapping.converters.texts import argument_text, text_of
from schemas.findings import Text
from schemas.scalars import CHINA_TIME

MAX_PATTERNS = 8
_LATEST = int(datetime(9999, 12, 30, tzinfo=CHINA_TIME).timestamp())
_DIGITS = {0xFF10 + digit: str(digit) for digit in range(10)}
_DAY = Text("YYYY-MM-DD 的日期", "a date YYYY-MM-DD")
_MOMENT = Text("带时区的时间", "a time with offset")


def _patterns(argument: Any) -> tuple[Moment, ...]:
    patterns = argument if isinstance(argument, list) else [argument]
    if not 1 <= len(patterns) <= MAX_PATTERNS:
        raise BadArgument(f"最多 {MAX_PATTERNS} 种格式", f"at most {MAX_PATTERNS} patterns")
    return tuple(Moment(pattern) for pattern in patterns)


def _half_width(text: str) -> str:
    """Give full-width digits as ASCII ones; patterns know no others."""
    return text if text.isascii() else text.translate(_DIGITS)


def _wrong(moments: tuple[Moment, ...], zh: str, en: str) -> OutsideDomain:
    shapes = " | ".join(moment.pattern for moment in moments)
    return OutsideDomain("value.date", Text(f"{zh}，格式 {shapes}", f"{en} written {shapes}"))


def _date(argument: Any, codes: Codes) -> Converter:
    moments = _patterns(argument)
    write = moments[0].write

    def forward(value: Any) -> str:
        text = _half_width(text_of(value))
        for moment in moments:
            if (found := moment.day(text)) is not None:
                return found
        raise _wrong(moments, "日期", "a date")

    def backward(value: Any) -> str:
        if not is_day(value):
            raise OutsideDomain("value.date", _DAY)
        return write(value)

    def loosely(value: Any) -> str:
        return backward(value[:10] if value.__class__ is str else value)

    return Converter("date", forward, backward, argument, loosely)


def _datetime(argument: Any, codes: Codes) -> Converter:
    moments = _patterns(argument)
    first = moments[0]
    lacking = [("H", 11, 13), ("M", 14, 16), ("S", 17, 19)]
    dropped = [(start, end) for directive, start, end in lacking if first.lacks(directive)]
    wrong = Text(f"能以 {first.pattern} 完整写出的时间", f"a time that {first.pattern} can write in full")

    def forward(value: Any) -> str:
        text = _half_width(text_of(value))
        for moment in moments:
            if (found := moment.canonical(text)) is not None:
                return found
        raise _wrong(moments, "时间", "a time")

    def loosely(value: Any) -> str:
        moment = canonical_moment(value) if value.__class__ is str else None
        if moment is None:
            raise OutsideDomain("value.date", _MOMENT)
        return first.write(moment)

    def backward(value: Any) -> str:
        written = loosely(value)
        if dropped and any(value[start:end].strip("0") for start, end in dropped):
            raise OutsideDomain("value.resolution", wrong)
        return written

    return Converter("datetime", forward, backward, argument, loosely)


def _moment(argument: Any, codes: Codes) -> Converter:
    moments = _patterns(argument)
    times = [one.pattern for one in moments if not one.lacks("H")]
    days = [one.pattern for one in moments if one.lacks("H")]
    if not times or not days:
        raise BadArgument("须有带时刻和不带时刻的格式", "a pattern with a time and one without are needed")
    time, day = _datetime(times, codes), _date(days, codes)

    def forward(value: Any) -> Any:
        text = _half_width(text_of(value))
        for moment in moments:
            found = moment.canonical(text)
            if found is not None:
                return found[:10] if moment.lacks("H") else found
        raise _wrong(moments, "日期或时间", "a day or a time")

    def backward(value: Any) -> Any:
        return day.backward(value) if is_day(value) else time.backward(value)

    def loosely(value: Any) -> Any:
        return day.backward(value) if is_day(value) else time.writer(loose=True)(value)

    return Converter("moment", forward, backward, argument, loosely)


def _epoch(argument: Any, codes: Codes) -> Converter:
    if argument not in ("s", "ms"):
        raise BadArgument("参数应为 s 或 ms", "the argument is s or ms")
    unit = 1 if argument == "s" else 1000
    wrong = Text(f"1970 年以来的{'秒' if unit == 1 else '毫秒'}数", f"{argument} since 1970")

    def forward(value: Any) -> str:
        ticks = whole(value)
        if not 0 <= ticks <= _LATEST * unit:
            raise OutsideDomain("value.date", wrong)
        seconds, rest = divmod(ticks, unit)
        moment = EPOCH + timedelta(seconds=seconds, milliseconds=rest)
        return moment.astimezone(CHINA_TIME).isoformat()

    def backward(value: Any) -> int:
        moment = moment_of(value) if value.__class__ is str else None
        if moment is None:
            raise OutsideDomain("value.date", _MOMENT)
        ticks = (moment - EPOCH) // timedelta(seconds=1) if unit == 1 else (moment - EPOCH) // timedelta(milliseconds=1)
        if ticks < 0:
            raise OutsideDomain("value.date", wrong)
        return ticks

    return Converter("epoch", forward, backward, argument)


def _range(argument: Any, codes: Codes) -> Converter:
    separator = argument_text(argument, "分隔符", "the separator")
    wrong = Text(f"起{separator}止", f"start{separator}end")

    def forward(value: Any) -> list[str | None]:
        start, found, end = text_of(value).partition(separator)
        if not found or separator in end:
            raise OutsideDomain("value.range", wrong)
        return [start.strip() or None, end.strip() or None]

    def backward(value: Any) -> str:
        ends = ["" if end is None else text_of(end) for end in value]
        if len(ends) != 2 or any(separator in end for end in ends):
            raise OutsideDomain("value.range", wrong)
        return separator.join(ends)

    return Converter("range", forward, backward, separator, gives="list")


_PATTERN = Text("strptime 格式，或其列表（写出第一种）", "a strptime pattern, or a list (the first is written)")

KINDS = (
    Kind(
        "date",
        Text("按格式读写日期", "a date in a pattern"),
        Text("YYYY-MM-DD 的日期", "dates YYYY-MM-DD"),
        _date,
        (
            Specimen("20250806", "2025-08-06", "%Y%m%d"),
            Specimen("2025年8月6日", "2025-08-06", "%Y年%m月%d日", written="2025年08月06日"),
            Specimen("2025/08/06", "2025-08-06", ["%Y%m%d", "%Y/%m/%d"], written="20250806"),
            Specimen("2025-08-06 00:00:00.0", "2025-08-06", "%Y-%m-%d", written="2025-08-06"),
            Specimen("2025-08-06", "2025-08-06", "%Y-%m-%d %H:%M:%S", written="2025-08-06 00:00:00"),
        ),
        _PATTERN,
    ),
    Kind(
        "datetime",
        Text("按格式读写北京时间", "a time in a pattern, in Asia/Shanghai"),
        Text(
            "格式能完整写出的时间，秒以下略去", "times the pattern can write in full; fractions of a second are dropped"
        ),
        _datetime,
        (
            Specimen("2025-08-06 09:30:00", "2025-08-06T09:30:00+08:00", "%Y-%m-%d %H:%M:%S"),
            Specimen("20250806093000", "2025-08-06T09:30:00+08:00", "%Y%m%d%H%M%S"),
            Specimen(
                "2025-08-06 09:30:00.0",
                "2025-08-06T09:30:00+08:00",
                "%Y-%m-%d %H:%M:%S",
                written="2025-08-06 09:30:00",
            ),
            Specimen(
                "2025-08-06 24:00:00",
                "2025-08-07T00:00:00+08:00",
                "%Y-%m-%d %H:%M:%S",
                written="2025-08-07 00:00:00",
            ),
        ),
        _PATTERN,
    ),
    Kind(
        "moment",
        Text("时间，或只有日期的时间", "a time, or a day where no hour is written"),
        Text("日期，或格式能完整写出的时间", "days, and times the pattern can write in full"),
        _moment,
        (
            Specimen("2025-08-06 09:30:00", "2025-08-06T09:30:00+08:00", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]),
            Specimen("2025-08-06", "2025-08-06", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]),
        ),
        Text(
            "带时刻与不带时刻的格式（各写出第一种）", "patterns with a time and without; the first of each is written"
        ),
    ),
    Kind(
        "epoch",
        Text("1970 年以来的秒或毫秒", "seconds or milliseconds since 1970"),
        Text("1970 年以来的时间，单位以下略去", "times since 1970; what is finer than the unit is dropped"),
        _epoch,
        (
            Specimen(1754443800, "2025-08-06T09:30:00+08:00", "s"),
            Specimen(1754443800500, "2025-08-06T09:30:00.500000+08:00", "ms"),
        ),
        Text("s 或 ms", "s or ms"),
    ),
    Kind(
        "range",
        Text("以分隔符相连的起止", "a start and an end joined by a separator"),
        Text("不含分隔符的起止", "ends that do not hold the separator"),
        _range,
        (Specimen("2024-09-10至2029-09-09", ["2024-09-10", "2029-09-09"], "至"),),
        Text("分隔符", "a separator"),
    ),
)
