"""The program byokey, as a package: `path()` is where it is."""

from __future__ import annotations

import os
import sys
import sysconfig

__all__ = ["main", "path"]


def path() -> str:
    """The absolute path of the program.

    Raises FileNotFoundError if the package was installed without its scripts."""
    name = "byokey.exe" if os.name == "nt" else "byokey"
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [
        sysconfig.get_path("scripts"),
        # `pip install --user`
        sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")),
        # `pip install --target`
        os.path.join(here, "bin"),
        # `pip install --prefix`: lib/python3.x/site-packages
        os.path.normpath(os.path.join(here, "..", "..", "..", "bin")),
    ]
    for folder in folders:
        program = os.path.join(folder, name)
        if os.path.isfile(program):
            return program
    raise FileNotFoundError(f"byokey-bin is installed without its program; looked in {', '.join(folders)}")


def main() -> None:
    """Runs the program in place of this process; on Windows, beside it."""
    program = path()
    if os.name == "nt":
        import subprocess

        sys.exit(subprocess.run([program, *sys.argv[1:]]).returncode)
    os.execv(program, [program, *sys.argv[1:]])
