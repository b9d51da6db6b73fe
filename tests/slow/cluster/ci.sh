#!/usr/bin/env bash
# The Slurm part of .ci/run: install and start a one-node Slurm, run tests/slow/cluster on it, stop it.
#
# Skipped, and said so loudly, only where Slurm cannot be had: not root, no apt-get, no packages.
set -euo pipefail
cd "$(dirname "$0")/../../.."

skip() {
    printf '\n*** SKIPPED: the tests on a real Slurm did not run: %s ***\n\n' "$*" >&2
    exit 0
}

[[ $EUID == 0 ]] || skip "starting a Slurm needs root"
if ! { command -v munged && command -v slurmctld && command -v slurmd; } >/dev/null; then
    command -v apt-get >/dev/null || skip "no Slurm is installed, and there is no apt-get"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends slurm-wlm munge; } >/dev/null ||
        skip "apt-get cannot install slurm-wlm and munge"
fi

[[ -e /etc/slurm/slurm.conf ]] || trap tests/slow/cluster/stop_slurm.sh EXIT
tests/slow/cluster/start_slurm.sh || skip "Slurm does not start on this machine"
TTVOS_SLURM=required .venv/bin/python -m pytest tests/slow/cluster
