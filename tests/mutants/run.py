#!/usr/bin/env python3
"""Mutates the program in one place at a time, and expects the tests of that place to fail.

    tests/mutants/run.py [FILE|FOLDER...] [--row ROW] [--list | --check | --refresh]

A mutant is a patch in a folder beside this file; its header names the tests that must fail with it.
These are the changes that `cargo mutants` does not make: of constants, of order, of a rule that
several places hold. A test that still passes is reported, and the exit
code is 1. Everything happens in a copy of the last commit under target/mutants/, which stays for the
next time. Needs cargo, git and Python's standard library (3.11 or newer).

`--check` only applies each patch and reports those that are stale; `--refresh` also rewrites those
that were merged with changes of the code, so that they stay current.
"""

import argparse
import collections
import fcntl
import sys
import time

import patches
import tests as testing

BUILDS = patches.ROOT / "target" / "mutants"
TREE = BUILDS / "tree"


def make_tree():
    commit = patches.git(patches.ROOT, "rev-parse", "HEAD").strip()
    if patches.git(patches.ROOT, "status", "--porcelain", "--", "*.rs").strip():
        print("note: changes that are not committed are not in it")
    if (TREE / ".git").exists():
        # Unchanged files keep their time, so that little is rebuilt.
        patches.restore(TREE)
        patches.git(TREE, "checkout", "--quiet", "--detach", commit)
    else:
        patches.git(patches.ROOT, "worktree", "prune")
        patches.git(patches.ROOT, "worktree", "add", "--quiet", "--detach", str(TREE), commit)
    # The installations of setup scripts.
    cache = TREE / ".cache"
    if not cache.is_symlink():
        cache.symlink_to(patches.ROOT / ".cache")


def tail(text):
    return "\n".join(f"    | {line}" for line in text.splitlines()[-15:])


def check(mutants, rewrite):
    """Applies each patch; returns how many are stale."""
    stale = 0
    for mutant in mutants:
        name = mutant.path.relative_to(patches.HERE)
        try:
            mutant.apply(TREE)
            text = mutant.refreshed(TREE)
            if text is not None and rewrite:
                mutant.path.write_text(text)
                print(f"refreshed: {name}")
        except patches.Stale as error:
            print(f"stale: {name}: {error}")
            stale += 1
        finally:
            patches.restore(TREE)
    print(f"{len(mutants)} patches, {stale} stale")
    return stale


def check_whole(builder, mutants, names):
    """Runs every test on the unmodified program; returns those that do not pass."""
    bad = {name: "is not there" for name, test in names.items() if test.place is None}
    for profile in sorted({mutant.profile for mutant in mutants}):
        wanted = {name for mutant in mutants if mutant.profile == profile for name in mutant.fails}
        found = [names[name] for name in sorted(wanted - bad.keys())]
        executables = builder.build(found, profile)
        for test in found:
            result, said = builder.run(test, executables, profile)
            if result != "SURVIVED":
                is_failure = result in ("caught", "hung")
                bad[test.name] = "fails without any mutant" if is_failure else result
                print(f"  {bad[test.name]}: {test.name}\n{tail(said)}", flush=True)
    return bad


def try_mutant(builder, mutant, names, bad, verbose):
    """Runs the tests that must fail with a mutant; returns how each ends."""
    try:
        mutant.apply(TREE)
        found = [names[name] for name in mutant.fails if name not in bad]
        executables = builder.build(found, mutant.profile)
        results = []
        for name in mutant.fails:
            since = time.monotonic()
            # A test that fails without the mutant proves nothing.
            result, said = (bad[name], "") if name in bad else builder.run(
                names[name], executables, mutant.profile)
            print(f"  {result}: {name} ({time.monotonic() - since:.1f} s)", flush=True)
            if verbose and said:
                print(tail(said), flush=True)
            results.append(result)
        return results
    except patches.Stale as error:
        print(f"  stale: {error}", flush=True)
        return ["stale"]
    except testing.DoesNotCompile as error:
        print(f"  does not compile\n{tail(str(error))}", flush=True)
        return ["does not compile"]
    finally:
        patches.restore(TREE)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help="patches or folders; all of them")
    parser.add_argument("--row", action="append", help="only the mutants of this row")
    parser.add_argument("--list", action="store_true", help="show the mutants and exit")
    parser.add_argument("--check", action="store_true", help="only apply them; report stale ones")
    parser.add_argument("--refresh", action="store_true", help="the same, and rewrite merged ones")
    parser.add_argument("--unchecked", action="store_true",
                        help="do not first run the tests on the program as it is")
    parser.add_argument("--verbose", action="store_true", help="show what the tests print")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    mutants = patches.read(arguments.files)
    if arguments.row:
        mutants = [mutant for mutant in mutants if mutant.row in arguments.row]
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.row}: {mutant.breaks} ({', '.join(mutant.files())})")
        return 0
    BUILDS.mkdir(parents=True, exist_ok=True)
    # One at a time: they share the copy.
    lock = (BUILDS / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    make_tree()
    if arguments.check or arguments.refresh:
        return 1 if check(mutants, arguments.refresh) else 0
    testing.adopt_orphans()
    begun = time.monotonic()
    workspace = testing.Workspace(TREE)
    names = {name: testing.Test(workspace, name) for mutant in mutants for name in mutant.fails}
    builder = testing.Builder(TREE, BUILDS)
    print("building", flush=True)
    builder.build_once(names.values())
    bad = {name: "is not there" for name, test in names.items() if test.place is None}
    if not arguments.unchecked:
        print(f"{len(names)} tests on the program as it is", flush=True)
        bad = check_whole(builder, mutants, names)
    counts, caught = collections.Counter(), 0
    for number, mutant in enumerate(mutants, 1):
        print(f"[{number}/{len(mutants)}] {mutant.row}: {mutant.breaks}", flush=True)
        results = try_mutant(builder, mutant, names, bad, arguments.verbose)
        counts.update(results)
        caught += all(result in ("caught", "hung") for result in results)
    minutes = (time.monotonic() - begun) / 60
    shown = ", ".join(f"{count} {result}" for result, count in counts.items())
    print(f"{len(mutants)} mutants, {caught} caught by every test that they name ({shown}), "
          f"in {minutes:.0f} minutes")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
