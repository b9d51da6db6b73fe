#!/usr/bin/env bash
# The browser that tests/slow/browser drives: Debian's Chromium, where none is installed.
#
# Skipped, and said so loudly, where it cannot be had: not root, no apt-get, no package. The tests
# then skip themselves.
set -euo pipefail

skip() {
    printf '\n*** SKIPPED: the tests in a browser will not run: %s ***\n\n' "$*" >&2
    exit 0
}

command -v chromium || command -v chromium-browser || command -v google-chrome || {
    [[ $EUID == 0 ]] || skip "no Chromium is installed, and installing it needs root"
    command -v apt-get >/dev/null || skip "no Chromium is installed, and there is no apt-get"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends chromium; } >/dev/null || skip "apt-get cannot install chromium"
    command -v chromium
}
