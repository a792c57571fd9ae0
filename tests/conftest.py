"""Properties are tested without a limit of time for an example: machines are busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("chalkgrad", deadline=None)
settings.load_profile("chalkgrad")
