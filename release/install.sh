#!/bin/sh
# Installs byokey @VERSION@ for one user. @NOTICE@
#
#   sh install.sh               installs, or updates, the program
#   sh install.sh --uninstall   removes it
#
#   BYOKEY_INSTALL_DIR   where to; else ~/.local/bin if that is on PATH, else ~/.byokey/bin
#   BYOKEY_VERSION       another version; its digests then come from the release's own address
#   BYOKEY_BASE_URL      a mirror, for the archive only
#
# No other file is changed. Exit codes: 1 usage or folder, 2 no program for this machine,
# 3 download, 4 checksum, 5 the program does not run.
set -eu

byokey_install() {
  version=@VERSION@
  downloads='@DOWNLOADS@'

  fail() {
    code=$1
    shift
    printf 'install.sh: %s\n' "$@" >&2
    exit "$code"
  }

  has() { command -v "$1" >/dev/null 2>&1; }

  # The digests of the archives of this version, as sha256sum writes them.
  known_sums() {
    cat <<'SUMS'
@SUMS@
SUMS
  }

  platform() {
    system=$(uname -s) processor=$(uname -m)
    case $processor in
    x86_64 | amd64) processor=x86_64 ;;
    aarch64 | arm64) processor=aarch64 ;;
    esac
    case $system in
    Linux) echo "$processor-unknown-linux-musl" ;;
    Darwin) echo "$processor-apple-darwin" ;;
    *) fail 2 "there is no program for $system on $processor." \
      "Build it from its source: @REPOSITORY@" ;;
    esac
  }

  # Prints the program that computes digests; without one nothing is downloaded.
  digest_tool() {
    for tool in sha256sum shasum openssl; do
      if has "$tool"; then
        echo "$tool"
        return
      fi
    done
    fail 4 "the download could not be verified: there is no sha256sum, shasum or openssl." \
      "Install one of them."
  }

  sha256() {
    case $1 in
    sha256sum) sha256sum <"$2" | cut -d ' ' -f 1 ;;
    shasum) shasum -a 256 <"$2" | cut -d ' ' -f 1 ;;
    openssl) openssl dgst -sha256 <"$2" | sed 's/.* //' ;;
    esac
  }

  download() {
    if has curl; then
      case $1 in
      https:*) curl --proto =https --tlsv1.2 -fsSL --connect-timeout 30 -o "$2" "$1" ;;
      *) curl -fsSL --connect-timeout 30 -o "$2" "$1" ;;
      esac || fail 3 "curl cannot download $1 (exit code $?)." \
        "Check the address, the network and the proxy settings; the installed program is unchanged."
    elif has wget; then
      wget -q -T 30 -O "$2" "$1" || fail 3 "wget cannot download $1 (exit code $?)." \
        "Check the address, the network and the proxy settings; the installed program is unchanged."
    else
      fail 3 "there is neither curl nor wget. Install one of them."
    fi
  }

  on_path() {
    case ":${PATH:-}:" in
    *":$1:"*) return 0 ;;
    *) return 1 ;;
    esac
  }

  folder() {
    if [ -n "${BYOKEY_INSTALL_DIR:-}" ]; then
      echo "$BYOKEY_INSTALL_DIR"
    elif [ -z "${HOME:-}" ]; then
      fail 1 "HOME is not set. Name the folder to install into: BYOKEY_INSTALL_DIR=/path sh install.sh"
    elif on_path "$HOME/.local/bin"; then
      echo "$HOME/.local/bin"
    else
      echo "$HOME/.byokey/bin"
    fi
  }

  # Fails if another program has the name: on crates.io there is one.
  check_ours() {
    case $("$1" --version 2>/dev/null </dev/null || true) in
    *"(byokey "*) ;;
    *) fail 1 "$1 is there and is another program, or does not run; it is left alone." \
      "Move it away, or choose another folder with BYOKEY_INSTALL_DIR." ;;
    esac
  }

  uninstall() {
    if ! [ -e "$directory/byokey" ]; then
      fail 1 "there is no $directory/byokey. BYOKEY_INSTALL_DIR names another folder."
    fi
    check_ours "$directory/byokey"
    rm -f "$directory/byokey" || fail 1 "cannot remove $directory/byokey."
    echo "removed $directory/byokey"
    echo "A stored login is still there; \`byokey logout\` would have removed it."
  }

  install() {
    wanted=${BYOKEY_VERSION:-$version}
    wanted=${wanted#v}
    case $wanted in
    [0-9]*.[0-9]*.[0-9]*) ;;
    *) fail 1 "BYOKEY_VERSION is not a version such as $version." ;;
    esac
    case $wanted in
    *[!0-9A-Za-z.+-]*) fail 1 "BYOKEY_VERSION is not a version such as $version." ;;
    esac
    target=$(platform) || exit $?
    tool=$(digest_tool) || exit $?
    name=byokey-$wanted-$target
    if [ -e "$directory/byokey" ]; then check_ours "$directory/byokey"; fi

    mkdir -p "$directory" 2>/dev/null || fail 1 "cannot create the folder $directory." \
      "Choose another one with BYOKEY_INSTALL_DIR."
    # Beside the target, so that the last step is a rename: the old program stays until then.
    scratch=$(mktemp -d "$directory/.byokey-install.XXXXXX" 2>/dev/null) ||
      fail 1 "cannot write in the folder $directory. Choose another one with BYOKEY_INSTALL_DIR."
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 130' HUP INT TERM

    if [ "$wanted" = "$version" ]; then
      known_sums >"$scratch/sums"
    else
      download "$downloads/v$wanted/SHA256SUMS" "$scratch/sums"
    fi
    expected=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\.tar\.gz\$/\1/p" "$scratch/sums")
    [ -n "$expected" ] || fail 2 "version $wanted has no program for $target." \
      "Build it from its source: @REPOSITORY@"

    url=${BYOKEY_BASE_URL:-$downloads}/v$wanted/$name.tar.gz
    download "$url" "$scratch/archive"
    found=$(sha256 "$tool" "$scratch/archive")
    [ "$found" = "$expected" ] || fail 4 "$url is not the file of the release." \
      "expected SHA-256 $expected" "downloaded       $found" \
      "Nothing was installed. A proxy or a mirror may have answered with something else: try again, or report it."

    tar -xzf "$scratch/archive" -C "$scratch" "$name/byokey" || fail 5 "tar cannot unpack $url."
    chmod 755 "$scratch/$name/byokey"
    case $("$scratch/$name/byokey" --version 2>&1 </dev/null || true) in
    *"(byokey $wanted)"*) ;;
    *) fail 5 "the program does not run here: $("$scratch/$name/byokey" --version 2>&1 </dev/null || true)" \
      "Is $directory on a file system mounted with noexec?" ;;
    esac
    mv -f "$scratch/$name/byokey" "$directory/byokey" || fail 1 "cannot write $directory/byokey."

    echo "installed byokey $wanted as $directory/byokey"
    if ! on_path "$directory"; then
      echo "The folder is not on PATH. Add it with a line in your shell's profile:"
      echo "  bash, zsh:  export PATH=\"$directory:\$PATH\""
      echo "  fish:       fish_add_path \"$directory\""
    fi
    echo "Try it, without an account or a network:  byokey demo"
  }

  case ${1:-} in
  "") directory=$(folder) || exit $?; install ;;
  --uninstall) directory=$(folder) || exit $?; uninstall ;;
  *) fail 1 "unknown argument $1; the only one is --uninstall." ;;
  esac
}

# In braces, so that nothing runs unless the last byte has arrived.
{ byokey_install "$@"; exit; }
