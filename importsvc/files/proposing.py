"""What is proposed for the columns of a file, as fields of ``ImportFile``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from importsvc.files.detecting import read_column
from importsvc.files.mapping.document import Mapping as MappingDocument
from importsvc.files.mapping.document import write_mapping
from importsvc.files.mapping.proposals import Proposal, SavedMapping, propose


def propose_fields(
    columns: Sequence[Mapping[str, Any]],
    saved: Sequence[SavedMapping],
    used: MappingDocument | None = None,
    *,
    sheet: str | None = None,
) -> dict[str, Any]:
    """The fields of what is proposed for columns as ``ImportFile`` has them; the columns are among these fields.

    ``used`` is the mapping that was used for these columns before, if they are those of an error file. ``sheet`` is
    the one that has the columns.
    """
    detected = [read_column(column) for column in columns]
    proposals = propose(detected, saved, used, sheet=sheet)
    pairs = zip(columns, proposals.columns, strict=True)
    return {
        "columns": [{**column, "proposal": _write_proposal(proposal)} for column, proposal in pairs],
        "proposed_mapping": write_mapping(proposals.mapping),
        "proposed_import_model_id": proposals.saved.id if proposals.saved else None,
    }


def _write_proposal(proposal: Proposal | None) -> dict[str, Any] | None:
    if proposal is None:
        return None
    return {"targets": list(proposal.targets), "how": proposal.how, "score": proposal.score}
