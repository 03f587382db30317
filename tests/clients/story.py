"""What every client does with the service, as far as it can: the same rows, and what is expected of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

# Rows that are refused, and the errors; rows that are staged; those that replace them, what a preview counts of these,
# and the first names of all people after the run. Then a file whose second row has an error, cells that correct it, and
# the people after it is imported.
STORY: dict[str, Any] = json.loads((FOLDER / "story.json").read_text())
