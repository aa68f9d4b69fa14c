"""Files people have → messages: tables and JSON become drafts, mail files raw mails."""

from .columns import ColumnMap, parse_map
from .draft import Draft, FileUnreadable, Refused, Sender
from .files import FileKind, kind_of, read_mails, read_records

__all__ = [
    "ColumnMap",
    "Draft",
    "FileKind",
    "FileUnreadable",
    "Refused",
    "Sender",
    "kind_of",
    "parse_map",
    "read_mails",
    "read_records",
]
