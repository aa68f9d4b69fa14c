"""Which column is what: named by `--map`, else known by its heading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .draft import FileUnreadable

FIELDS = (
    *("text", "subject", "channel", "kind", "external_id", "occurred_at", "anonymous", "in_reply_to"),
    *("sender.name", "sender.email", "sender.phone", "sender.kind", "sender.organisation", "sender.language"),
)

# Headings as `_folded` leaves them: small letters, no blanks, hyphens or underscores.
_KNOWN = {
    "text": "text message body content contents details description complaint "
    "留言详情 留言內容 留言内容 內容 内容 正文 詳情 详情 "
    "訴求內容 诉求内容 來件內容 来件内容 反映内容 反映內容",
    "subject": "subject title topic 留言主题 留言主題 主题 主題 标题 標題",
    "channel": "channel 渠道 管道",
    "kind": "kind 类型 類型",
    "external_id": "externalid id uniquekey 留言编号 留言編號 编号 編號 案号 案號 工单编号 工單編號",
    "occurred_at": "occurredat createddate createdat date time timestamp 留言时间 留言時間 时间 時間 日期 "
    "提交时间 提交時間 来电时间 來電時間",
    "anonymous": "anonymous 匿名",
    "in_reply_to": "inreplyto",
    "sender.name": "sendername name 姓名 留言用户 留言用戶 联系人 聯絡人",
    "sender.email": "senderemail email mail 邮箱 電子郵件 电子邮件 信箱",
    "sender.phone": "senderphone phone telephone mobile 电话 電話 手机 手機 联系电话 聯絡電話",
    "sender.kind": "senderkind",
    "sender.organisation": "senderorganisation senderorganization organisation organization company "
    "单位 單位 公司",
    "sender.language": "senderlanguage language 语言 語言",
}
_HEADINGS = {heading: name for name, headings in _KNOWN.items() for heading in headings.split()}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What `--map` said: for each named field the columns to join, as written (`Descriptor+Resolution`)."""

    columns: Mapping[str, str] = field(default_factory=dict)

    def resolve(self, headings: Iterable[str]) -> dict[str, list[str]]:
        """For each field the columns of this file; fields `--map` doesn't name are known by their heading.

        Raises `FileUnreadable` (`column_unknown`, `text_column_unknown`), naming the columns there are.
        """
        there = [heading for heading in headings if heading]
        found = {name: self._named(name, columns, there) for name, columns in self.columns.items()}
        for heading in there:
            if (name := _HEADINGS.get(_folded(heading))) and name not in self.columns:
                found.setdefault(name, [heading])
        if "text" not in found and "subject" not in found:
            raise FileUnreadable(
                "text_column_unknown",
                f"No column is known to hold the words; there are: {_listed(there)}. "
                "Name it, for example --map text=COLUMN or --map text=COLUMN+COLUMN.",
            )
        return found

    def resolve_loosely(self, headings: Iterable[str]) -> dict[str, list[str]]:
        """As `resolve`, for one object that may lack some of the fields: what it lacks is left out."""
        there = set(headings)
        found = {
            name: [columns] if columns in there else [part.strip() for part in columns.split("+")]
            for name, columns in self.columns.items()
        }
        for heading in headings:
            if (name := _HEADINGS.get(_folded(heading))) and name not in self.columns:
                found.setdefault(name, [heading])
        return found

    def _named(self, name: str, columns: str, there: list[str]) -> list[str]:
        parts = [columns] if columns in there else columns.split("+")
        by_name = {heading.strip(): heading for heading in reversed(there)}
        for part in parts:
            if part.strip() not in by_name:
                raise FileUnreadable(
                    "column_unknown",
                    f"--map {name}={columns}: no column {part.strip()!r}; there are: {_listed(there)}.",
                )
        return [by_name[part.strip()] for part in parts]


def parse_map(spec: str | None) -> ColumnMap:
    """`text=留言详情,subject=留言主题` as a map. Raises `FileUnreadable` (`map_unreadable`)."""
    columns: dict[str, str] = {}
    for part in (spec or "").split(","):
        if not part.strip():
            continue
        name, equals, column = (each.strip() for each in part.partition("="))
        if not equals or not column:
            raise FileUnreadable("map_unreadable", f"--map: {part.strip()!r} is not FIELD=COLUMN.")
        if name not in FIELDS:
            raise FileUnreadable(
                "map_unreadable",
                f"--map: {name!r} is not a field of a message; there are: {', '.join(FIELDS)}.",
            )
        columns[name] = column
    return ColumnMap(columns)


def _folded(heading: str) -> str:
    return "".join(character for character in heading.casefold() if character not in " _-.\t\ufeff")


def _listed(headings: list[str]) -> str:
    shown = ", ".join(heading[:60] for heading in headings[:40])
    return shown + (f" and {len(headings) - 40} more" if len(headings) > 40 else "")
