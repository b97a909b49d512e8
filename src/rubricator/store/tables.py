"""The tables as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Float, MetaData, String, Table
from sqlalchemy import Text as LongText

METADATA = MetaData()

ANSWERS = Table(
    "answers",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("text_id", LongText, nullable=False),
    Column("teacher", String(255), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("scores", JSON, nullable=False),
    Column("raw", LongText, nullable=False),
    Column("cost", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("taxonomy", String(64), nullable=False, server_default=""),
    Column("created", DateTime(timezone=True), nullable=False),
)
