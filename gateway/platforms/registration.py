"""What a registration must say, checked; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import asdict

from adapters.base import BASE_URL, Adapter, Setting
from gateway.access.ways import way_faults
from gateway.coordination.call_rates import CALL_BOUNDS
from gateway.delivery import tls
from gateway.delivery.address import Origin, address_of, ascii_host
from gateway.delivery.destinations import NEVER, lacking, literal
from gateway.delivery.no_answer import NoAnswer
from gateway.intake.coverage import span
from gateway.ledger.records import PULL, PUSH, Platform
from gateway.platforms.areas import CODE
from gateway.settings import ALLOWABLE
from schemas import regions
from schemas.budget import BOUNDS
from schemas.codes import table
from schemas.findings import Finding, Rejected, Text
from schemas.reprs import repr_without

DOSSIER = Setting("dossier", "bool", "可查阅一企一档", default=False)
"""The setting that lets a platform read enterprises' dossiers."""

WITNESS = Setting("witness", "text", "树头见证路径：新的树头提交至此")
"""The setting that has a platform keep signed heads: the path, behind its `base_url`, where it is offered them."""

WITNESS_KEY = Setting("witness_key", "text", "见证方公钥（Ed25519 或 SM2，十六进制）")
"""The setting with the key that such a platform signs its answers with; without it an answer need not be signed."""

_EVERYBODYS: Mapping[str, Setting] = {one.name: one for one in (BASE_URL, DOSSIER, WITNESS, WITNESS_KEY, *tls.SETTINGS)}
"""What any platform's settings may say, whatever its adapter."""

_NOT_IN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f?#@]")
_CODE = re.compile(r"\d{6}")
_PATH = re.compile(r"/[\x21-\x7e]*")
_PUBLIC = re.compile(r"(?:[0-9a-f]{64}){1,2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ID = re.compile(rf"([a-z][a-z0-9-]*)\.(000000|{CODE})")
_SOMEWHERE = "1.1.1.1"
"""Any public address: where a name leads to is judged when it is connected to."""

_MOST_COVERED = 1000
"""As many codes and ranges a platform may state."""


class Registration(Struct, frozen=True):
    """A registration as it was asked for."""

    id: str
    adapter: str
    version: str | None
    settings: Mapping[str, Any]
    mode: str = PUSH
    limits: Mapping[str, int] = field(default_factory=dict)
    covers: tuple[str, ...] = ()
    mandates: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    access: tuple[Mapping[str, Any], ...] | None = None

    def __repr__(self) -> str:
        """Leave out what is secret."""
        return repr_without(self, "settings")


def is_secret(name: str, spoken: Adapter | None, versions: Iterable[Adapter]) -> bool:
    """Tell whether a setting is never shown, of a platform that speaks `spoken` among the `versions` of its adapter.

    One that is a secret in any version is one in all of them: what was entered as a secret must not be shown by a
    version that calls it a text. What the spoken one does not know counts as secret, too, save what every platform has.
    """
    own = _EVERYBODYS.get(name)
    if own is None and (spoken is None or name not in spoken.settings):
        return True
    there = (*versions, *(() if spoken is None else (spoken,)))
    declared = [own, *(one.settings.get(name) for one in there)]
    return any(one.type == "secret" for one in declared if one is not None)


def registered(
    asked: Registration,
    adapter: Adapter,
    kinds: Collection[str],
    before: Platform | None,
    at: datetime,
    versions: Iterable[Adapter] = (),
    areas: Collection[str] = (),
    allowed: Collection[str] = ALLOWABLE,
) -> Platform:
    """Make the platform; Rejected `platform.invalid` names every fault of what was asked.

    What is not shown (`is_secret`) stays what it was where it is left out, since nobody can read it back to repeat it;
    but not where the address leads to another origin now: who may change addresses must not have secrets sent to
    wherever they like. The ways in which a platform shows who it is stay, too, so that a change of something else never
    opens an easier one. `allowed`: the kinds of destination that every platform may have. Settings of the adapter's
    other `versions` are taken, too: so that one can be filled in before the version that needs it is activated, and is
    still there after going back.
    """
    versions = tuple(versions)
    also = {name: one for each in versions for name, one in each.settings.items()}
    known = {**_EVERYBODYS, **also, **adapter.settings}
    secrets = {name for name in known if is_secret(name, adapter, versions)}
    settings = {**_kept_secrets(secrets, before, asked), **_given(asked.settings)}
    required = {BASE_URL.name: BASE_URL, **adapter.settings}
    if asked.mode == PULL:
        del required[BASE_URL.name]  # nobody calls it
    access = asked.access if asked.access is not None else before.access if before else ()
    faults = [
        *_id_faults(asked.id, kinds, adapter, areas),
        *_covers_faults(asked.covers, areas),
        *_mandate_faults(asked.mandates),
        *_allow_faults(asked.allow),
        *_destination_faults(settings.get(BASE_URL.name), {*asked.allow, *allowed}),
        *way_faults(access),
        *_mode_faults(asked.mode),
        *_setting_faults(settings, known),
        *_missing_faults(settings, required.values()),
        *_tls_faults(settings),
        *_witness_faults(settings, asked.mode),
        *_limit_faults(asked.limits),
    ]
    if faults:
        raise Rejected("platform.invalid", _MEND, faults)
    kind, _, region = asked.id.partition(".")
    return Platform(
        id=asked.id,
        kind=kind,
        region=region,
        adapter=asked.adapter,
        settings=_with_defaults(settings, adapter),
        created_at=at,
        version=asked.version,
        mode=asked.mode,
        limits=asked.limits,
        covers=asked.covers,
        mandates=asked.mandates,
        allow=asked.allow,
        access=access,
    )


_MEND = Text(
    "平台登记信息有误，请按 errors 逐项更正后重发",
    "The registration has faults: correct them as `errors` says and send it again",
)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _kept_secrets(secrets: Collection[str], before: Platform | None, asked: Registration) -> dict[str, Any]:
    if before is None or before.adapter != asked.adapter:
        return {}
    if _origin(before.settings.get(BASE_URL.name)) != _origin(asked.settings.get(BASE_URL.name)):
        return {}
    return {key: value for key, value in before.settings.items() if key in secrets}


def _with_defaults(settings: Mapping[str, Any], adapter: Adapter) -> dict[str, Any]:
    defaults = {name: one.default for name, one in adapter.settings.items() if one.default is not None}
    return {**defaults, **settings}


def _id_faults(platform_id: str, kinds: Collection[str], adapter: Adapter, areas: Collection[str]) -> Iterator[Finding]:
    found = _ID.fullmatch(platform_id)
    if found is None:
        yield _fault("platform.id", "id", "平台编号应为 类别.行政区划，例如 penalty.330000", "must be kind.region")
        return
    kind, region = found.groups()
    yield from kind_faults(kind, kinds, "id")
    if adapter.kind not in (kind, "any"):
        zh = f"适配器 {adapter.name} 只用于 {adapter.kind} 平台"
        yield _fault("adapter.kind", "adapter", zh, f"the adapter {adapter.name} speaks for {adapter.kind} only")
    yield from region_faults(region, "id", areas)


def _covers_faults(covers: Collection[str], areas: Collection[str]) -> Iterator[Finding]:
    if len(covers) > _MOST_COVERED:
        zh, en = f"最多列出 {_MOST_COVERED} 项", f"at most {_MOST_COVERED} codes and ranges"
        yield _fault("covers.many", "covers", zh, en)
        return
    for index, stated in enumerate(covers):
        path = f"covers[{index}]"
        first, last = span(stated)
        if "-" not in stated:
            yield from region_faults(stated, path, areas)
        elif not (_CODE.fullmatch(first) and _CODE.fullmatch(last) and first < last):
            zh, en = f"{stated} 应为 起始代码-终止代码，例如 330101-330109", f"{stated} must be FIRST-LAST, two codes"
            yield _fault("covers.range", path, zh, en)


def _mandate_faults(mandates: Collection[str]) -> Iterator[Finding]:
    known = table("mandate-kind")
    for index, kind in enumerate(mandates):
        if kind not in known:
            listed = ", ".join(known.codes)
            zh, en = f"没有授权类别 {kind}；可用：{listed}", f"no mandate of the kind {kind}; known: {listed}"
            yield _fault("mandate.unknown", f"mandates[{index}]", zh, en)


def _allow_faults(allow: Collection[str]) -> Iterator[Finding]:
    for index, kind in enumerate(allow):
        if kind not in ALLOWABLE:
            listed = ", ".join(ALLOWABLE)
            zh, en = f"没有可放行的目标类别 {kind}；可用：{listed}", f"{kind} cannot be allowed; known: {listed}"
            yield _fault("allow.unknown", f"allow[{index}]", zh, en)


def _destination_faults(base_url: Any, allow: Collection[str]) -> Iterator[Finding]:
    """Name what is not allowed of an address, as far as it can be told without asking where its name leads."""
    origin = _origin(base_url)
    if origin is None:
        return
    address = literal(origin.host)
    lacks = lacking(origin.scheme, address or _SOMEWHERE, allow)
    if lacks == NEVER:
        zh, en = "不能是链路本地、元数据或组播地址", "must be no link-local, metadata or multicast address"
        yield _told(BASE_URL, "destination.refused", zh, en)
    elif lacks is not None:
        zh = f"需要放行 {lacks}；由管理员在 allow 中列出，或改用公网 https 地址"
        en = f"needs {lacks} to be allowed: an administrator may list it under `allow`; or use a public https address"
        yield _told(BASE_URL, f"destination.{lacks}", zh, en)


def _origin(base_url: Any) -> Origin | None:
    """Give where connections to an address go; None where there is none, or nothing that is an address."""
    if not isinstance(base_url, str):
        return None
    try:
        return address_of(base_url, "/").origin
    except NoAnswer:
        return None


def kind_faults(kind: str, kinds: Collection[str], path: str) -> Iterator[Finding]:
    """Name the fault of what is no kind of platform; `path` says where it stands."""
    if kind not in kinds:
        listed = ", ".join(sorted(kinds))
        yield _fault("kind.unknown", path, f"没有平台类别 {kind}；可用：{listed}", f"no kind {kind}; known: {listed}")


def region_faults(region: str, path: str, areas: Collection[str] = ()) -> Iterator[Finding]:
    """Name the fault of what is neither a code of GB/T 2260 nor an area's; `path` says where it stands."""
    if region != regions.NATIONAL and region not in areas and regions.row(region) is None:
        zh = f"行政区划代码 {region} 不在 GB/T 2260 代码表中，也没有登记为功能区（PUT /v1/areas/{region}）"
        en = f"{region} is neither a code of GB/T 2260 nor registered as an area (PUT /v1/areas/{region})"
        yield _fault("region.unknown", path, zh, en)


def _mode_faults(mode: str) -> Iterator[Finding]:
    if mode not in (PUSH, PULL):
        zh = "应为 push（网关主动投递）或 pull（平台自行取件）"
        yield _fault("mode.unknown", "mode", zh, "must be push (the gateway calls it) or pull (it fetches for itself)")


def _limit_faults(limits: Mapping[str, int]) -> Iterator[Finding]:
    known = {**BOUNDS, **CALL_BOUNDS}
    for name, value in limits.items():
        bound = known.get(name)
        if bound is None:
            listed = ", ".join(known)
            zh, en = f"没有上限项 {name}；可用：{listed}", f"there is no bound {name}; known: {listed}"
            yield _fault("limit.unknown", f"limits.{name}", zh, en)
        elif not 1 <= value <= bound.ceiling:
            zh = f"{bound.zh}的上限应在 1 至 {bound.ceiling} 之间"
            yield _fault("limit.range", f"limits.{name}", zh, f"the bound of {bound.en} is from 1 to {bound.ceiling}")


def _missing_faults(settings: Mapping[str, Any], required: Iterable[Setting]) -> Iterator[Finding]:
    for setting in required:
        if setting.required and setting.name not in settings:
            yield _told(setting, "setting.missing", "必须填写", "is required")


def _setting_faults(settings: Mapping[str, Any], known: Mapping[str, Setting]) -> Iterator[Finding]:
    for name in settings.keys() - known.keys():
        listed = ", ".join(known)
        zh, en = f"没有设置项 {name}；可用：{listed}", f"there is no setting {name}; known: {listed}"
        yield _fault("setting.unknown", f"settings.{name}", zh, en)
    for name, setting in known.items():
        if name in settings:
            yield from _value_faults(setting, settings[name])


def _tls_faults(settings: Mapping[str, Any]) -> Iterator[Finding]:
    terms = tls.TlsTerms.of(settings)
    if terms is None or any(not isinstance(value, str | None) for value in asdict(terms).values()):
        return
    if terms.minimum not in (None, *tls.MINIMUM.choices):
        return
    try:
        tls.context_of(terms, system=False)
    except ValueError as error:
        setting = next(one for one in tls.SETTINGS if one.name == str(error))
        yield _told(setting, "setting.tls", "无法使用：应为 PEM，证书须与私钥配对且私钥无口令", _NO_PEM)


def _witness_faults(settings: Mapping[str, Any], mode: str) -> Iterator[Finding]:
    path, key = settings.get(WITNESS.name), settings.get(WITNESS_KEY.name)
    if isinstance(path, str) and not _PATH.fullmatch(path):
        yield _told(WITNESS, "setting.path", "应为以 / 开头、不含空格与汉字的路径", "must be a path that begins with /")
    if path is not None and mode == PULL:
        zh = "仅限网关主动投递（push）的平台；自行取件的平台请定期取 /v1/audit/head"
        en = "is for platforms that the gateway calls; one that fetches may fetch /v1/audit/head"
        yield _told(WITNESS, "witness.pull", zh, en)
    if isinstance(key, str) and not _PUBLIC.fullmatch(key):
        zh = "应为小写十六进制：Ed25519 公钥 64 位，SM2 公钥 128 位（不含 04）"
        en = "must be lower-case hexadecimal digits: 64 of Ed25519, 128 of SM2 (without 04)"
        yield _told(WITNESS_KEY, "setting.key", zh, en)


_NO_PEM = "cannot be used: PEM is wanted, a certificate with its key, and that without a password"


def _value_faults(setting: Setting, value: Any) -> Iterator[Finding]:
    if setting.type == "url" and not _is_address(value):
        zh, en = "应为不含账号、空格、? 与 # 的 http(s) 地址", "must be an http(s) address without users, ? or #"
        yield _told(setting, "setting.url", zh, en)
    elif setting.type == "url" and not _has_host(value):
        zh = "中的主机名无法写成域名；请改用其 ASCII 域名（xn--…）或 IP 地址"
        en = "has a host that DNS has no name for; write its ASCII name (xn--…) or its IP address"
        yield _told(setting, "setting.host", zh, en)
    elif setting.type == "int" and (isinstance(value, bool) or not isinstance(value, int)):
        yield _told(setting, "setting.int", "应为整数", "must be a whole number")
    elif setting.type == "bool" and not isinstance(value, bool):
        yield _told(setting, "setting.bool", "应为 true 或 false", "must be true or false")
    elif setting.type == "choice" and value not in setting.choices:
        listed = ", ".join(setting.choices)
        yield _told(setting, "setting.choice", f"应为 {listed} 之一", f"must be one of {listed}")
    elif setting.type in ("text", "secret", "pem") and not (isinstance(value, str) and value.strip()):
        yield _told(setting, "setting.text", "应为非空文本", "must be text that is not empty")
    elif setting.type in ("text", "secret") and setting.name != tls.KEY.name and _CONTROL.search(value):
        yield _told(setting, "setting.control", "不能含换行等控制字符", "must not contain control characters")


def _is_address(value: Any) -> bool:
    """Tell whether paths can be put behind a value; it is shown to everybody, so no password may hide in it."""
    if not isinstance(value, str) or _NOT_IN_ADDRESS.search(value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _has_host(value: str) -> bool:
    """Tell whether the host has a name in DNS; one in Chinese has, once it is encoded (IDNA)."""
    try:
        return bool(ascii_host(urlsplit(value).hostname or ""))
    except ValueError:
        return False


def _told(setting: Setting, code: str, zh: str, en: str) -> Finding:
    message = Text(f"“{setting.title}”{zh}", f"{setting.name} {en}")
    return Finding(code, message, path=f"settings.{setting.name}", field=setting.name, title=setting.title)


def _fault(code: str, path: str, zh: str, en: str) -> Finding:
    return Finding(code, Text(zh, en), path=path)
