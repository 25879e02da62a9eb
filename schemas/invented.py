"""Invented numbers, names and places that pass every check: for samples and tests, never of anybody real."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from random import Random

from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from schemas import regions
from schemas.codes import table
from schemas.identifiers.enterprise import organisation_check
from schemas.scalars import CHINA_TIME

_PLACES = ("云栖", "青溪", "临江", "松岭", "长宁", "望湖", "石桥", "金滩")
_BRANDS = ("晨星", "恒禾", "远帆", "博泽", "嘉木", "瑞川", "盛原", "清越")
_TRADES = ("化工", "印染", "造纸", "电镀", "食品", "水泥制品", "热力", "金属制品")
_SURNAMES = "赵钱孙李周吴郑王冯陈"
_GIVEN = ("明远", "思齐", "立群", "景行", "若川", "文博", "海宁", "一凡")
_OFFICES = ("浙", "鲁", "苏", "川", "粤", "襄", "来", "杭滨")
_FIRST_DAY = date(2023, 1, 1)
_DAYS = 1300


@cache
def counties() -> tuple[str, ...]:
    """Return the counties in force whose full name is theirs alone."""
    in_force = (row.code for row in table("region") if row.valid_to is None and regions.depth(row.code) == 3)
    return tuple(code for code in in_force if regions.by_name(regions.path_name(code)) == code)


def region(random: Random) -> str:
    """Invent where something is: a county in force."""
    return random.choice(counties())


def digits(random: Random, length: int) -> str:
    """Invent `length` digits, the first not zero."""
    return str(random.randrange(10 ** (length - 1), 10**length))


def credit_code(random: Random) -> str:
    """Invent a company's credit code whose both check characters hold."""
    body = f"MA{digits(random, 6)}"
    number = f"91{region(random)}{body}{organisation_check(body)}"
    return number + uscc.calc_check_digit(number)


def citizen_id(random: Random) -> str:
    """Invent a citizen id with a true check character."""
    born = date(1955, 1, 1) + timedelta(days=random.randrange(15_000))
    number = f"{region(random)}{born:%Y%m%d}{digits(random, 3)}"
    return number + str(ric.calc_check_digit(f"{number}0"))


def permit_number(random: Random, holder: str | None = None) -> str:
    """Invent a permit number of the holder with this credit code (an invented one when it is None)."""
    return f"{holder or credit_code(random)}{random.randint(1, 3):03}{random.choice('PVX')}"


def project_code(random: Random) -> str:
    """Invent a project code with a true check digit (GB/T 40058-2021)."""
    head = f"{random.randint(22, 26)}{random.randint(1, 12):02}-{region(random)}-{digits(random, 2)}"
    tail = f"{random.choice(('01', '02', '04'))}-{digits(random, 5)}"
    plain = f"{head}-{tail}"
    return plain + str(mod_11_10.calc_check_digit(plain.replace("-", "")))


def document_number(random: Random, kind: str) -> str:
    """Invent a document number of a kind: `罚`, `审` …"""
    return f"{random.choice(_OFFICES)}环{kind}〔{random.randint(2023, 2026)}〕{random.randint(1, 400)}号"


def officer_number(random: Random) -> str:
    """Invent an enforcement certificate number of 11 digits."""
    return digits(random, 11)


def company(random: Random) -> str:
    """Invent a company's name."""
    return f"{random.choice(_PLACES)}{random.choice(_BRANDS)}{random.choice(_TRADES)}有限公司"


def person(random: Random) -> str:
    """Invent a person's name."""
    return f"{random.choice(_SURNAMES)}{random.choice(_GIVEN)}"


def address(random: Random) -> str:
    """Invent an address."""
    return f"{random.choice(_PLACES)}街道{random.choice(_BRANDS)}路{random.randint(1, 999)}号"


def phone(random: Random) -> str:
    """Invent a telephone number of an area code that does not exist."""
    return f"0100-{digits(random, 8)}"


def day(random: Random) -> str:
    """Invent a day from 2023 to mid 2026."""
    return (_FIRST_DAY + timedelta(days=random.randrange(_DAYS))).isoformat()


def instant(random: Random) -> str:
    """Invent a time, to the second."""
    start = datetime(_FIRST_DAY.year, 1, 1, tzinfo=CHINA_TIME)
    return (start + timedelta(seconds=random.randrange(_DAYS * 86_400))).isoformat()


def yuan(random: Random) -> str:
    """Invent an amount in yuan: whole thousands, or with fen."""
    if random.random() < 0.7:
        return str(random.randint(1, 1000) * 1000)
    return f"{random.randint(1, 999_999)}.{random.randint(1, 9)}"
