"""install.sh, in each situation and under each shell that is here.

Most situations install a script in the program's place, which says the same to `--version`."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shipping import archive, installer
from shipping.project import RELEASE, load

from . import support

SHELLS = [["dash"], ["busybox", "sh"], ["bash"], ["bash", "--posix"], ["zsh"]]
TOOLS = "uname cut sed mktemp mkdir rm mv chmod tar gzip cat".split()
VERSION = load().version
OLDER = "0.0.9"
TARGET = "x86_64-unknown-linux-musl"


def stand_in(version: str = VERSION, status: int = 0) -> bytes:
    """A program that says that it is byokey."""
    return f'#!/bin/sh\necho "codex-cli 0 (byokey {version})"\nexit {status}\n'.encode()


def packed(program: bytes, version: str = VERSION) -> bytes:
    """An archive with a program."""
    return archive.tar_gz([archive.Entry(f"byokey-{version}-{TARGET}/byokey", program, executable=True)], 0)


@dataclass
class Place:
    """A machine: its home, its tools, the origin with a release, and a mirror."""

    root: Path
    origin: support.Loopback
    variables: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = self.root / "home"
        self.tools = self.root / "tools"
        self.directory = self.home / ".local/bin"
        self.directory.mkdir(parents=True)
        self.tools.mkdir()
        for name in [*TOOLS, "curl", "sha256sum"]:
            self.has(name)
        self.tool("uname", '[ "$1" = -s ] && echo Linux || echo x86_64')
        self.good = packed(stand_in())
        self.sums = f"{archive.sha256(self.good)}  byokey-{VERSION}-{TARGET}.tar.gz\n"
        self.serve(self.good)
        older = packed(stand_in(OLDER), OLDER)
        self.serve(older, OLDER)
        listed = f"{archive.sha256(older)}  byokey-{OLDER}-{TARGET}.tar.gz\n"
        self.origin.pages[f"/v{OLDER}/SHA256SUMS"] = (200, listed.encode())

    def serve(self, data: bytes, version: str = VERSION, status: int = 200, under: str = "") -> None:
        """Puts an archive on the server."""
        self.origin.pages[f"{under}/v{version}/byokey-{version}-{TARGET}.tar.gz"] = (status, data)

    def has(self, name: str) -> None:
        """Gives the machine a tool that this one has."""
        found = shutil.which(name)
        if found is None:
            raise unittest.SkipTest(f"{name} is not installed")
        (self.tools / name).symlink_to(found)

    def lacks(self, *names: str) -> None:
        """Takes tools away."""
        for name in names:
            (self.tools / name).unlink()

    def tool(self, name: str, text: str) -> None:
        """Gives the machine a tool of the test's own."""
        path = self.tools / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def present(self, text: bytes) -> Path:
        """A program that is installed already."""
        path = self.directory / "byokey"
        path.write_bytes(text)
        path.chmod(0o755)
        return path

    def script(self) -> str:
        """The installer of a release that is at the origin."""
        return installer.script(load(downloads=self.origin.address), self.sums)

    def run(self, shell: list[str], script: str) -> subprocess.CompletedProcess[str]:
        """Pipes the script into the shell, as people do."""
        path = f"{self.tools}:{self.directory}"
        program = [shutil.which(shell[0]) or "", *shell[1:], "-s", "--", *self.arguments]
        variables = {"HOME": str(self.home), "PATH": path, **self.variables}
        variables = {name: value for name, value in variables.items() if value}
        return subprocess.run(
            program, input=script, env=variables, capture_output=True, text=True, timeout=support.PATIENCE
        )


def nothing(place: Place) -> None:
    """The plain case."""


def elsewhere(place: Place) -> None:
    place.directory.rmdir()
    place.variables["PATH"] = str(place.tools)
    place.directory = place.home / ".byokey/bin"


def spaces(place: Place) -> None:
    place.directory = place.root / "a folder  with spaces"
    place.variables["BYOKEY_INSTALL_DIR"] = str(place.directory)


def no_home(place: Place) -> None:
    place.variables["HOME"] = ""


def no_home_but_folder(place: Place) -> None:
    no_home(place)
    spaces(place)


def bad_sum(place: Place) -> None:
    place.serve(packed(stand_in() + b"# changed\n"))


def html(place: Place) -> None:
    place.serve(b"<!DOCTYPE html><title>Sign in to the network</title>")


def truncated(place: Place) -> None:
    place.serve(place.good[: len(place.good) // 2])


def missing_target(place: Place) -> None:
    place.tool("uname", '[ "$1" = -s ] && echo Linux || echo riscv64')


def other_system(place: Place) -> None:
    place.tool("uname", '[ "$1" = -s ] && echo FreeBSD || echo amd64')


def not_found(place: Place) -> None:
    place.serve(b"no", status=404)
    place.present(stand_in(OLDER))


def server_error(place: Place) -> None:
    place.serve(b"no", status=500)


def refused(place: Place) -> None:
    place.variables["BYOKEY_BASE_URL"] = "http://127.0.0.1:9"


def no_downloader(place: Place) -> None:
    place.lacks("curl")


def wget(place: Place) -> None:
    place.lacks("curl")
    place.has("wget")


def wget_not_found(place: Place) -> None:
    wget(place)
    place.serve(b"no", status=404)


def no_digest(place: Place) -> None:
    place.lacks("sha256sum")


def openssl(place: Place) -> None:
    place.lacks("sha256sum")
    place.has("openssl")


def shasum(place: Place) -> None:
    place.lacks("sha256sum")
    place.has("shasum")
    place.has("perl")


def unwritable(place: Place) -> None:
    place.variables["BYOKEY_INSTALL_DIR"] = "/sys/kernel"


def under_a_file(place: Place) -> None:
    (place.root / "file").write_text("")
    place.variables["BYOKEY_INSTALL_DIR"] = str(place.root / "file/bin")


def update(place: Place) -> None:
    place.present(stand_in(OLDER))


def other_program(place: Place) -> None:
    place.present(b"#!/bin/sh\necho byokey 4.6.1\n")


def pinned(place: Place) -> None:
    place.variables["BYOKEY_VERSION"] = f"v{OLDER}"


def pinned_unknown(place: Place) -> None:
    place.variables["BYOKEY_VERSION"] = "0.0.8"


def pinned_without_target(place: Place) -> None:
    pinned(place)
    missing_target(place)


def not_a_version(place: Place) -> None:
    place.variables["BYOKEY_VERSION"] = "1.0.0/../../other"


def mirror(place: Place) -> None:
    place.serve(place.good, under="/mirror")
    place.serve(b"not asked for", status=500)
    place.variables["BYOKEY_BASE_URL"] = f"{place.origin.address}/mirror"


def lying_mirror(place: Place) -> None:
    pinned(place)
    other = packed(stand_in(OLDER) + b"# changed\n", OLDER)
    place.serve(other, OLDER, under="/mirror")
    lie = f"{archive.sha256(other)}  byokey-{OLDER}-{TARGET}.tar.gz\n"
    place.origin.pages[f"/mirror/v{OLDER}/SHA256SUMS"] = (200, lie.encode())
    place.variables["BYOKEY_BASE_URL"] = f"{place.origin.address}/mirror"


def does_not_run(place: Place) -> None:
    place.good = packed(b"#!/nowhere/interpreter\n")
    place.sums = f"{archive.sha256(place.good)}  byokey-{VERSION}-{TARGET}.tar.gz\n"
    place.serve(place.good)


def uninstall(place: Place) -> None:
    place.present(stand_in())
    place.arguments = ["--uninstall"]


def uninstall_nothing(place: Place) -> None:
    place.arguments = ["--uninstall"]


def uninstall_other(place: Place) -> None:
    other_program(place)
    place.arguments = ["--uninstall"]


def unknown_argument(place: Place) -> None:
    place.arguments = ["--prefix=/usr"]


# What the machine is like, the exit code, a part of what is printed, and the version that is
# installed afterwards (None: none, or what was there before).
TABLE: list[tuple[Callable[[Place], None], int, str, str | None]] = [
    (nothing, 0, "installed byokey", VERSION),
    (elsewhere, 0, "fish_add_path", VERSION),
    (spaces, 0, "a folder  with spaces/byokey", VERSION),
    (no_home, 1, "HOME is not set", None),
    (no_home_but_folder, 0, "installed byokey", VERSION),
    (bad_sum, 4, "is not the file of the release", None),
    (html, 4, "is not the file of the release", None),
    (truncated, 4, "is not the file of the release", None),
    (missing_target, 2, "no program for riscv64-unknown-linux-musl", None),
    (other_system, 2, "no program for FreeBSD", None),
    (not_found, 3, "cannot download", OLDER),
    (server_error, 3, "cannot download", None),
    (refused, 3, "cannot download", None),
    (no_downloader, 3, "neither curl nor wget", None),
    (wget, 0, "installed byokey", VERSION),
    (wget_not_found, 3, "wget cannot download", None),
    (no_digest, 4, "could not be verified", None),
    (openssl, 0, "installed byokey", VERSION),
    (shasum, 0, "installed byokey", VERSION),
    (unwritable, 1, "cannot write in the folder", None),
    (under_a_file, 1, "cannot create the folder", None),
    (update, 0, "installed byokey", VERSION),
    (other_program, 1, "is another program", "4.6.1"),
    (pinned, 0, f"installed byokey {OLDER}", OLDER),
    (pinned_unknown, 3, "cannot download", None),
    (pinned_without_target, 2, "no program for riscv64", None),
    (not_a_version, 1, "is not a version", None),
    (mirror, 0, "installed byokey", VERSION),
    (lying_mirror, 4, "is not the file of the release", None),
    (does_not_run, 5, "does not run here", None),
    (uninstall, 0, "removed", None),
    (uninstall_nothing, 1, "there is no", None),
    (uninstall_other, 1, "is another program", "4.6.1"),
    (unknown_argument, 1, "unknown argument", None),
]


class Installer(unittest.TestCase):
    def test_every_situation_under_every_shell(self) -> None:
        shells = [shell for shell in SHELLS if shutil.which(shell[0])]
        runs, skipped = 0, set()
        for shell in shells:
            for prepare, code, text, version in TABLE:
                with self.subTest(shell=" ".join(shell), situation=prepare.__name__):
                    if self.unfit(shell, prepare):
                        continue
                    try:
                        self.play(shell, prepare, code, text, version)
                        runs += 1
                    except unittest.SkipTest as reason:
                        skipped.add(str(reason))
        names = ", ".join(" ".join(shell) for shell in shells)
        support.figure(f"install.sh: {runs} runs of {len(TABLE)} situations under {names}; {sorted(skipped)}")
        self.assertGreaterEqual(runs, len(TABLE) - 3)

    def unfit(self, shell: list[str], prepare: Callable[[Place], None]) -> bool:
        """What cannot be arranged: zsh sets HOME itself."""
        return shell[0] == "zsh" and prepare is no_home

    def play(self, shell: list[str], prepare: Callable[[Place], None], code: int, text: str, version: str | None) -> None:
        with support.folder() as root, support.loopback() as origin:
            place = Place(root, origin)
            prepare(place)
            result = place.run(shell, place.script())
            printed = result.stdout + result.stderr
            self.assertEqual(result.returncode, code, printed)
            self.assertIn(text, printed)
            self.assertEqual(result.stderr == "", code == 0, printed)
            installed = place.directory / "byokey"
            if version is None:
                self.assertFalse(installed.exists(), printed)
            else:
                self.assertIn(version, support.run([installed, "--version"]).stdout)
            if place.directory.exists():
                left = {path.name for path in place.directory.iterdir()} - {"byokey"}
                self.assertEqual(left, set(), "a scratch folder was left behind")
            if prepare is no_digest:
                self.assertEqual(origin.asked, [], "something was downloaded that could not be verified")

    def test_a_script_that_is_cut_off_does_nothing(self) -> None:
        with support.folder() as root, support.loopback() as origin:
            place = Place(root, origin)
            script = place.script()
            for shell in SHELLS:
                if shutil.which(shell[0]):
                    last_line = script.rindex("\n", 0, -1)
                    for end in [*range(0, last_line, 100), *range(last_line, len(script) - 1)]:
                        place.run(shell, script[:end])
                        self.assertEqual(origin.asked, [], f"{shell}, cut at byte {end}")
            self.assertEqual(list(place.directory.iterdir()), [])

    def test_it_is_short_and_has_no_finding(self) -> None:
        lines = (RELEASE / "install.sh").read_text().splitlines()
        self.assertLessEqual(len(lines), 200)
        if shutil.which("shellcheck") is None:
            print("SKIPPED: shellcheck is not installed")
            return
        with support.folder() as root:
            script = root / "install.sh"
            script.write_text(installer.script(load(), ""))
            support.run(["shellcheck", "--shell", "sh", script])

    def test_from_nothing_to_a_printed_account(self) -> None:
        """What dist/ has, from a mirror on this machine."""
        with support.folder() as root, support.loopback() as origin:
            path = support.archive_of_this_machine()
            origin.pages[f"/v{VERSION}/{path.name}"] = (200, path.read_bytes())
            variables = support.environment(root, BYOKEY_BASE_URL=origin.address)
            program = root / ".byokey/bin/byokey"

            def attempt() -> None:
                support.run(["sh", support.DIST / "install.sh"], env=variables)
                with support.dev_backend(program, env=variables) as issuer:
                    signed = {**variables, "CODEX_APP_SERVER_LOGIN_ISSUER": issuer, "BYOKEY_STORE": "file"}
                    support.sign_in(program, env=signed)
                    account = support.run([program, "status"], env=signed).stderr
                self.assertIn("ada@example.com", account)

            support.quick_enough("install.sh to a printed account", attempt)
            support.version_line([program], env=variables)
            support.handshake([program], env=variables)
            self.assertNotIn("✗", support.run([program, "demo"], env=variables).stdout)
            # Again, while the program runs.
            server = subprocess.Popen([program, "app-server"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=variables)
            try:
                support.run(["sh", support.DIST / "install.sh"], env=variables)
                self.assertIsNone(server.poll())
            finally:
                server.communicate()
            support.run(["sh", support.DIST / "install.sh", "--uninstall"], env=variables)
            self.assertFalse(program.exists())


if os.name == "nt":
    raise unittest.SkipTest("install.sh is not for Windows")
