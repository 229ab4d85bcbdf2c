"""install.sh with the version, the address and the digests of a release."""

from __future__ import annotations

from .project import RELEASE, Project


def script(project: Project, digests: str) -> str:
    """The installer. `digests` are the lines of SHA256SUMS for the archives."""
    text = (RELEASE / "install.sh").read_text()
    for name, value in {
        "@VERSION@": project.version,
        "@DOWNLOADS@": project["downloads"],
        "@REPOSITORY@": project["repository"],
        "@NOTICE@": project.notice,
        "@SUMS@": digests.rstrip("\n"),
    }.items():
        text = text.replace(name, value)
    return text
