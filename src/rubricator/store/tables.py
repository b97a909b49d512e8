"""The tables as the newest migration leaves them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
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

ROW = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows of its own accord only so
PREDICTIONS = Table(
    "predictions",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("text_id", LongText, nullable=False),
    Column("model", String(255), nullable=False),
    Column("taxonomy_version", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("categories", JSON, nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("characters", Integer, nullable=False),
    Column("language", String(8), nullable=False),
    Column("unknown", Float),
    Column("source", LongText, nullable=False),
    Column("features", JSON, nullable=False),
    Column("vector", LargeBinary),
    Column("text", LongText),
    Index("ix_predictions_at", "at"),
    Index("ix_predictions_text_id", "text_id"),
)
PREDICTION_LOSSES = Table(
    "prediction_losses",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("count", Integer, nullable=False),
)
ALERTS = Table(
    "alerts",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=True),
    Column("model", String(255), nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("over", DateTime(timezone=True)),
    Column("sent", JSON, nullable=False),
    Column("about", JSON, nullable=False),
)
MONITOR_STATE = Table(
    "monitor_state",
    METADATA,
    Column("key", String(255), primary_key=True),
    Column("value", JSON, nullable=False),
)

EXPERIMENTS = Table(
    "experiments",
    METADATA,
    Column("name", String(80), primary_key=True),
    Column("layer", String(80), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("plan", JSON, nullable=False),
    Column("buckets", JSON, nullable=False),
    Column("frozen", Float, nullable=False),
    Column("started", Float, nullable=False),
    Column("stopped", Float),
    Column("note", LongText, nullable=False),
    Column("lost", BigInteger, nullable=False),
)

EXPOSURES = Table(
    "exposures",
    METADATA,
    Column("experiment", String(80), primary_key=True),
    Column("unit", String(255), primary_key=True),
    Column("arm", String(16), primary_key=True),
    Column("model", String(255), primary_key=True),
    Column("first", Float, nullable=False),
    Column("times", BigInteger, nullable=False),
)

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("id", String(200), primary_key=True),
    Column("unit", String(255), nullable=False),
    Column("event", String(80), nullable=False),
    Column("value", Float, nullable=False),
    Column("at", Float, nullable=False),
    Column("received", Float, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("contradicted", Integer, nullable=False),
    Index("ix_outcomes_event", "event", "at"),
)
