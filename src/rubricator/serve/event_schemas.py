"""What comes back after an answer: decisions of editors, and what units of an experiment did."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from rubricator.patterns import SHORT_NAME
from rubricator.serve.schemas import Body, Id, Part, Written

EditorName = Annotated[str, StringConstraints(pattern=r"^[A-Za-zА-Яа-яЁё0-9_.@-]{1,80}$")]
Keys = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=1000)]


class FeedbackRequest(Body):
    """What an editor decided on one text."""

    id: Id = Field(description="Of the text.")
    title: Part = ""
    body: Part = ""
    editor: EditorName = Field(description="Who decided.")
    categories: Keys = Field(description="Keys of the categories that the text has.")
    shown: Literal["blind", "suggested"] = Field(description="`suggested` if the editor saw the prediction.")
    predicted: Keys | None = Field(default=None, description="What the model had said, seen or not.")
    chosen: Literal["random", "gain"] = Field(
        default="gain", description="`random` if the text was drawn by lot: only such ones measure."
    )
    model: str | None = Field(default=None, max_length=200, description="As the prediction named it.")
    taxonomy_version: Written = Field(max_length=200, description="As the prediction named it.")
    source: str = Field(default="", max_length=500)
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None


class FeedbackStored(Body):
    """Whether the decision is new."""

    stored: bool = Field(description="False if it was stored before.")


# PostgreSQL takes no NUL.
UnitName = Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,255}$")]
EventName = Annotated[str, StringConstraints(pattern=SHORT_NAME)]
OutcomeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e15, le=1e15)]


class OutcomeItem(Body):
    """Something that a unit did."""

    id: OutcomeId = Field(description="Of this outcome alone: sent again with it, it counts once.")
    unit: UnitName = Field(description="As the header X-Split-Key named it.")
    event: EventName = Field(description="As the plan names it.")
    value: Number = 1.0
    at: AwareDatetime | None = Field(default=None, description="When; now where it is left out.")


class OutcomesRequest(Body):
    """What units did."""

    outcomes: list[OutcomeItem] = Field(min_length=1, max_length=1000)


class OutcomesStored(Body):
    """What became of them."""

    stored: int
    repeated: int = Field(description="Were there already.")
    contradicted: int = Field(description="Their id was used for another outcome, which stays.")
    unread: dict[str, int] = Field(
        description="By name, how many no metric of the plan reads: stored, and counted nowhere."
    )
