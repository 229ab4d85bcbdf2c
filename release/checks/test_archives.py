"""The archives, their digests and bills of materials, and that they do not depend on the machine."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
import unittest
import zipfile
from pathlib import Path

from shipping import archive, compression, npm, wheel
from shipping.project import ROOT, load, targets

from . import support

MAX_PLATFORM_PACKAGE = 4_600_000
# What zlib makes longer, where libdeflate is not installed.
ZLIB = 140_000


class Archives(unittest.TestCase):
    def test_the_digests_are_those_of_the_files(self) -> None:
        listed = (support.DIST / "SHA256SUMS").read_text()
        self.assertEqual(listed, archive.sums(support.DIST))
        self.assertIn("install.sh", listed)

    def test_the_program_in_the_archive_works(self) -> None:
        with support.folder() as root:
            program = support.unpacked(root)
            there = {path.name for path in program.parent.iterdir()}
            self.assertLessEqual({"README.md", "LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"}, there)
            variables = support.environment(root)
            support.version_line([program], env=variables)
            self.assertIn("serverInfo", support.handshake([program], env=variables))
            demo = support.run([program, "demo"], env=variables).stdout
            self.assertNotIn("✗", demo)

    def test_shells_load_the_completions_and_the_manual_is_clean(self) -> None:
        with support.folder() as root:
            folder = support.unpacked(root).parent
            completions, pages = folder / "completions", sorted(folder.glob("man/man1/*.1"))
            self.assertGreaterEqual(len(pages), 8)
            loads = {
                "bash": ["-c", 'source "$1/byokey" && complete -p byokey', "bash", completions],
                "zsh": ["-fc", 'fpath=($1 $fpath); autoload -U compinit; compinit -D -u; print $_comps[byokey]', "zsh", completions],
                "fish": ["--no-config", "-c", f'source {completions}/byokey.fish; complete -C "byokey st"'],
            }
            expected = {"bash": "_byokey", "zsh": "_byokey", "fish": "status"}
            for shell, arguments in loads.items():
                if shutil.which(shell) is None:
                    print(f"SKIPPED: {shell} is not installed")
                    continue
                printed = support.run([shell, *arguments], env=support.environment(root)).stdout
                self.assertIn(expected[shell], printed, shell)
            if shutil.which("mandoc") is None:
                print("SKIPPED: mandoc is not installed")
                return
            lint = ["mandoc", "-T", "lint", *pages]
            remarks = subprocess.run(lint, capture_output=True, text=True).stdout.splitlines()
            self.assertEqual(remarks, [])

    def test_it_runs_in_an_empty_root(self) -> None:
        """Nothing of a distribution is needed: no loader, no library, no file."""
        if os.geteuid() != 0 or os.uname().sysname != "Linux":
            print("SKIPPED: an empty root needs the superuser")
            return
        with support.folder() as root:
            shutil.copy(support.unpacked(root / "unpacked"), root / "byokey")
            shutil.rmtree(root / "unpacked")
            inside = {"BYOKEY_HOME": "/home"}
            support.version_line(["chroot", root, "/byokey"], env={**inside, "PATH": os.environ["PATH"]})
            support.handshake(["chroot", root, "/byokey"], env={**inside, "PATH": os.environ["PATH"]})

    def test_packages_depend_on_their_contents_only(self) -> None:
        """The same program gives the same bytes, whenever it is packed."""
        project, program = load(), b"made up"
        for target in targets():
            make = [
                lambda: archive.program_archive(project, target, program, []),
                lambda: npm.platform_package(project, target, program),
                lambda: npm.main_package(project, [target]),
                lambda: wheel.program_wheel(project, target, program),
            ]
            for one in make:
                self.assertEqual(one(), one())
        with tarfile.open(fileobj=io.BytesIO(archive.program_archive(project, targets()[0], program, [])[1])) as file:
            for member in file.getmembers():
                self.assertEqual((member.uid, member.gid, member.uname), (0, 0, ""))
                self.assertEqual(member.mtime, project.epoch)

    def test_the_bill_of_materials_names_what_is_in_the_program(self) -> None:
        bills = list(support.DIST.glob("*.cdx.json"))
        self.assertTrue(bills)
        locked = (ROOT / "Cargo.lock").read_text()
        for path in bills:
            bill = json.loads(path.read_text())
            self.assertEqual((bill["bomFormat"], bill["specVersion"]), ("CycloneDX", "1.6"))
            names = {component["name"] for component in bill["components"]}
            self.assertLessEqual({"ring", "tokio", "serde_json", "rustls"}, names)
            # What only tests and builds need.
            self.assertFalse(names & {"proptest", "cc", "byokey-tests", "schemars"}, names)
            for component in bill["components"]:
                self.assertIn(f'name = "{component["name"]}"\nversion = "{component["version"]}"', locked)
                self.assertIn("licenses", component, component["name"])
            references = {component["bom-ref"] for component in bill["components"]}
            references.add(bill["metadata"]["component"]["bom-ref"])
            for dependency in bill["dependencies"]:
                self.assertLessEqual({dependency["ref"], *dependency["dependsOn"]}, references)

    def test_the_extension_has_the_program(self) -> None:
        packages = list(support.DIST.glob("vscode/*.vsix"))
        if not packages:
            print("SKIPPED: dist/ has no extension")
        here = support.target_of_this_machine()
        for platform in here.vscode if packages else []:
            with zipfile.ZipFile(support.DIST / f"vscode/byokey-account-{platform}.vsix") as file, support.folder() as root:
                manifest = file.read("extension.vsixmanifest").decode()
                self.assertIn(f'TargetPlatform="{platform}"', manifest)
                (program,) = [each for each in file.infolist() if each.filename.startswith("extension/bin/")]
                self.assertTrue(program.external_attr >> 16 & 0o111, "VS Code unpacks it with this mode")
                path = Path(file.extract(program, root))
                path.chmod(0o755)
                support.handshake([path], env=support.environment(root))

    def test_the_program_names_no_folder_of_its_builder(self) -> None:
        with support.folder() as root:
            program = support.unpacked(root).read_bytes()
        for folder in (ROOT, Path.home() / ".cargo"):
            self.assertFalse(f"{folder}/".encode() in program, folder)

    def test_packages_are_small(self) -> None:
        limit = MAX_PLATFORM_PACKAGE
        if not compression.libdeflate():
            print("SKIPPED: packed without libdeflate, so the goal is not checked")
            limit += ZLIB
        for path in [*support.DIST.glob("npm/byokey-*-*-*.tgz"), *support.DIST.glob("pypi/byokey_bin-*.whl"), *support.DIST.glob("vscode/*")]:
            size = path.stat().st_size
            support.figure(f"{path.name}: {size / 1e6:.2f} MB")
            self.assertLessEqual(size, limit)


class OtherProcessor(unittest.TestCase):
    def test_the_program_for_aarch64_answers_under_qemu(self) -> None:
        path = support.DIST / f"byokey-{load().version}-aarch64-unknown-linux-musl.tar.gz"
        qemu = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
        if not path.exists() or qemu is None:
            print("SKIPPED: there is no package for aarch64, or no qemu-aarch64; the long run has both")
            return
        with support.folder() as root:
            with tarfile.open(path) as file:
                file.extractall(root)
            (program,) = root.glob("*/byokey")
            variables = support.environment(root)
            support.version_line([qemu, program], env=variables)
            support.handshake([qemu, program], env=variables)


class Manifests(unittest.TestCase):
    """The manifests that registries read repeat addresses of project.toml, and packages have the licences."""

    def test_crates_that_are_published(self) -> None:
        project = load()
        command = ["cargo", "metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"]
        listed = json.loads(support.run(command, cwd=ROOT).stdout)["packages"]
        published = [package for package in listed if package["publish"] != []]
        self.assertIn("byokey-client", [package["name"] for package in published])
        for package in published:
            with self.subTest(package["name"]):
                for key in ("homepage", "repository", "license"):
                    self.assertEqual(package[key], project[key])
                for name in ("LICENSE-APACHE", "LICENSE-MIT"):
                    copy = Path(package["manifest_path"]).with_name(name)
                    self.assertEqual(copy.read_bytes(), (ROOT / name).read_bytes())

    def test_the_pom(self) -> None:
        project, pom = load(), (ROOT / "clients/kotlin/pom.xml").read_text()
        for element in (
            f"<url>{project['homepage']}</url>",
            f"<url>{project['repository']}</url>",
            f"<connection>scm:git:{project['repository']}</connection>",
            f"<version>{project.version}</version>",
        ):
            self.assertIn(element, pom)


class Binstall(unittest.TestCase):
    """`cargo binstall` builds an address from the manifest."""

    def test_the_address_is_that_of_the_archive(self) -> None:
        project = load()
        manifest = tomllib.loads((ROOT / "app-server/Cargo.toml").read_text())
        settings = manifest["package"]["metadata"]["binstall"]
        self.assertEqual(settings["pkg-fmt"], "tgz")
        triple = next(target.triple for target in targets() if "linux" in target.triple)
        values = {
            "version": project.version,
            "target": triple,
            "archive-suffix": ".tar.gz",
            "bin": "byokey",
            "binary-ext": "",
        }

        def rendered(template: str) -> str:
            for name, value in values.items():
                template = template.replace(f"{{ {name} }}", value)
            self.assertNotIn("{", template)
            return template

        file = f"{archive.name_of(project, next(each for each in targets() if each.triple == triple))}.tar.gz"
        self.assertEqual(rendered(settings["pkg-url"]), project.download(file))
        with tarfile.open(support.archive_of_this_machine()) as packed:
            values["target"] = support.archive_of_this_machine().name.removeprefix(
                f"byokey-{project.version}-"
            ).removesuffix(".tar.gz")
            self.assertIn(rendered(settings["bin-dir"]), packed.getnames())


class Publish(unittest.TestCase):
    def test_placeholders_are_not_published(self) -> None:
        with support.folder() as root:
            out = root / "dist"
            command = [ROOT / "release/build", "--publish", "--out", out]
            result = subprocess.run(command, capture_output=True, text=True, timeout=support.PATIENCE)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("downloads", result.stderr)
            self.assertFalse(out.exists())

    def test_what_is_made_here_says_that_it_is_unpublished(self) -> None:
        for path in support.DIST.glob("npm/*.tgz"):
            with tarfile.open(path) as file:
                manifest = json.load(file.extractfile("package/package.json"))
                there = set(file.getnames())
                for named in re.findall(r'"\./([^"*]+\.[a-z]+)"', json.dumps(manifest.get("exports", {}))):
                    self.assertIn(f"package/{named}", there, path)
                readme = file.extractfile("package/README.md").read().decode()
            self.assertTrue(manifest["private"], path)
            self.assertTrue(readme.startswith("> This is an unpublished build"), path)
            self.assertNotRegex(readme, r"\]\((?![a-z]+:|#)", f"{path}: a registry has no such file")
        for path in support.DIST.glob("pypi/*.whl"):
            with zipfile.ZipFile(path) as file:
                (name,) = [name for name in file.namelist() if name.endswith("/METADATA")]
                text = file.read(name).decode()
            self.assertIn(wheel.UNPUBLISHED, text, path)
            self.assertNotRegex(text, r"\]\((?![a-z]+:|#)", f"{path}: a registry has no such file")
        self.assertIn("unpublished build", (support.DIST / "install.sh").read_text())

    def test_every_address_stands_in_project_toml(self) -> None:
        """A placeholder elsewhere would be published with the rest."""
        listed = subprocess.run(
            ["git", "grep", "-l", "byokey[.]invalid"], cwd=ROOT, capture_output=True, text=True
        ).stdout.split()
        allowed = {"release/project.toml", "release/README.md", "app-server/Cargo.toml", "release/shipping/project.py"}
        # These are held against `project.toml` by tests of their own.
        allowed |= {"Cargo.toml", "clients/vscode/test/manifest.test.ts"}
        # Maven reads them from here; they are those of `project.toml`.
        pom = "clients/kotlin/pom.xml"
        project = (ROOT / "release/project.toml").read_text()
        for address in re.findall(r"https://byokey[.]invalid[^<]*", (ROOT / pom).read_text()):
            self.assertIn(f'"{address}"', project)
        allowed.add(pom)
        others = [path for path in listed if Path(path) not in map(Path, allowed) and "checks" not in path]
        self.assertEqual(others, [])
