"""The programs inside the archives, by what only the long run installs: other systems, cargo-binstall,
readers of the lists of crates."""

from __future__ import annotations

import contextlib
import json
import tarfile
import tomllib
import unittest

from shipping import audit
from shipping.project import ROOT, load

from . import support

# What release/setup-long.sh builds.
TOOLS = ROOT / ".cache/release-long/bin"


class ListsOfCrates(unittest.TestCase):
    def test_the_program_itself_names_what_is_in_it(self) -> None:
        """`cargo audit bin` needs nothing but the program."""
        packed = sorted(support.DIST.glob("byokey-*.tar.gz"))
        self.assertTrue(packed)
        for path in packed:
            if "darwin" in path.name:
                continue
            with self.subTest(path.name), support.folder() as root:
                with tarfile.open(path) as file:
                    file.extractall(root)
                (program,) = [each for each in root.glob("*/byokey*") if each.suffix in {"", ".exe"}]
                crates = audit.read_list(program, root / "copy")
                bill = json.loads((support.DIST / path.name.replace(".tar.gz", ".cdx.json")).read_text())
                expected = {(each["name"], each["version"]) for each in bill["components"]}
                (app,) = [each for each in crates if each.get("root")]
                self.assertEqual(app["name"], "byokey-app-server")
                expected.add((app["name"], app["version"]))
                self.assertEqual({(each["name"], each["version"]) for each in crates}, expected)
                self.assertLess(max(index for each in crates for index in each.get("dependencies", [])), len(crates))
                reader = TOOLS / "rust-audit-info"
                if not reader.exists():
                    print("SKIPPED: rust-audit-info is not installed; release/setup-long.sh does it, in the long run")
                    continue
                read = json.loads(support.run([reader, program]).stdout)["packages"]
                self.assertEqual([each["name"] for each in read], [each["name"] for each in crates])


class OtherSystem(unittest.TestCase):
    def test_the_program_for_windows_answers_under_wine(self) -> None:
        path = support.DIST / f"byokey-{load().version}-x86_64-pc-windows-gnu.tar.gz"
        prepared = ROOT / ".cache/windows/installed"
        if not path.exists() or not prepared.exists():
            print("SKIPPED: there is no package for Windows, or no Wine; the long run has both")
            return
        with support.folder() as root:
            with tarfile.open(path) as file:
                file.extractall(root)
            (program,) = root.glob("*/byokey.exe")
            wine = prepared.read_text().strip()
            prefix = {"WINEPREFIX": str(ROOT / ".cache/windows/prefix"), "WINEDEBUG": "-all"}
            variables = support.environment(root, **prefix, WINEDLLOVERRIDES="mscoree,mshtml=")
            support.version_line([wine, program], env=variables)
            support.handshake([wine, program], env=variables)


class Binstall(unittest.TestCase):
    def test_it_installs_the_program_from_there(self) -> None:
        tool = TOOLS / "cargo-binstall"
        if not tool.exists():
            print("SKIPPED: cargo-binstall is not installed; release/setup-long.sh does it, in the long run")
            return
        project, path = load(), support.archive_of_this_machine()
        manifest = tomllib.loads((ROOT / "app-server/Cargo.toml").read_text())
        template = manifest["package"]["metadata"]["binstall"]["pkg-url"]
        with support.folder() as root, contextlib.ExitStack() as stack:
            # It takes nothing but https.
            tls, authority = support.certificate(root)
            server = stack.enter_context(support.loopback(tls))
            server.pages[f"/v{project.version}/{path.name}"] = (200, path.read_bytes())
            command = [tool, "--manifest-path", ROOT / "app-server", "--root", root, "--no-confirm", "--no-track"]
            command += ["--pkg-url", template.replace(project["downloads"], server.address)]
            command += ["--targets", support.target_of_this_machine().triple, "--strategies", "crate-meta-data"]
            command += ["--root-certificates", authority]
            support.run([*command, "byokey-app-server"], env=support.environment(root))
            self.assertIn(f"/v{project.version}/{path.name}", server.asked)
            support.version_line([root / "bin/byokey"], env=support.environment(root))
