"""The ledger: what labels were used for, so that no guarantee is made from labels that were used up.

Two things spoil a guarantee without leaving a trace in the numbers: labels that were used before to choose or train
something, and trying again until it works. So every use is noted: with its purpose, and with a digest of every unit.
"""

import base64
import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, final

import numpy as np

from cosimo.errors import DataError, Refused, StoreError
from cosimo.rules.labels import LabelledPairs
from cosimo.search.stores.shelf import Units

Purpose = Literal["train", "tune", "evaluate", "label", "calibrate", "outcome"]
CHOOSING = ("train", "tune", "evaluate")
"""Purposes that shape a space or a rule: what they used cannot certify it."""


class Ledger(Protocol):
    """Entries in order, appended and never changed; a collection's shelf is one."""

    def note(self, entry: Mapping[str, Any], units: Units) -> None:
        """Append an entry about these units."""

    def ledger(self) -> list[tuple[dict[str, Any], Units]]:
        """All entries with their units, oldest first."""


@final
class FileLedger:
    """A ledger in a file of one JSON object a line, for rules that belong to no collection."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, entry: Mapping[str, Any], units: Units) -> None:
        """Append an entry about these units."""
        line = json.dumps({**entry, "units": base64.b64encode(units.astype("<u8").tobytes()).decode()})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise StoreError(f"cannot write the ledger {self.path} ({error.strerror})") from error

    def ledger(self) -> list[tuple[dict[str, Any], Units]]:
        """All entries with their units, oldest first."""
        if not self.path.exists():
            return []
        entries = []
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry = json.loads(line)
                units = np.frombuffer(base64.b64decode(entry.pop("units")), "<u8").astype(np.uint64)
            except (AttributeError, KeyError, ValueError) as error:
                raise StoreError(f"{self.path}, line {number}: the ledger is damaged ({error})") from error
            entries.append((entry, units))
        return entries


def note_use(ledger: Ledger, pairs: LabelledPairs, purpose: Purpose, about: Mapping[str, Any]) -> None:
    """Note that these labels were used, and what else there is to say about it."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    ledger.note({"purpose": purpose, "labels": pairs.name, "n": len(pairs), "at": now, **about}, pairs.units)


def note_outcome(ledger: Ledger, outcome: str) -> None:
    """Note what became of the attempt that was noted last."""
    ledger.note({"purpose": "outcome", "outcome": outcome}, np.empty(0, np.uint64))


def next_look(ledger: Ledger, estimands: tuple[str, ...], bound: str, units: Units) -> int:
    """Which attempt the next one is at any of these promises: for the same use, or from some of the same labels.

    Refusals count, and so does what was interrupted.
    """
    tried = [
        entry
        for entry, used in ledger.ledger()
        if entry.get("purpose") == "calibrate"
        and not set(estimands).isdisjoint(entry.get("estimands", ()))
        and (entry.get("bound") == bound or np.isin(units, used).any())
    ]
    return len(tried) + 1


def look_of(ledger: Ledger, attempt: str) -> int | None:
    """Which attempt the very same one was before, None where there was none."""
    entries = (entry for entry, _ in ledger.ledger() if entry.get("attempt") == attempt)
    return next((int(entry["look"]) for entry in entries), None)


def refuse_used(ledger: Ledger, pairs: LabelledPairs) -> None:
    """Refuse labels that were used to choose or train something."""
    units = pairs.units
    for entry, used in ledger.ledger():
        if entry.get("purpose") in CHOOSING and (again := int(np.isin(units, used).sum())):
            raise Refused(
                f"{again} of the {len(pairs)} labelled pairs in {pairs.name} were used before to {entry['purpose']} "
                f"({entry.get('labels')}, {entry.get('at')}), so they cannot certify what they shaped; label others"
            )


def sheet_entry(ledger: Ledger, sheet: str, name: str) -> tuple[dict[str, Any], Units]:
    """How a sheet was drawn, and its pairs in the order in which they are to be labelled."""
    for entry, units in reversed(ledger.ledger()):
        if entry.get("purpose") == "label" and entry.get("sheet") == sheet:
            return entry, units
    raise DataError(
        f"{name} was drawn from another collection: its sheet {sheet!r} is not in this one's ledger; draw a sheet here "
        "with cosimo label, or say how its pairs were drawn (sampled=, --sampled)"
    )
