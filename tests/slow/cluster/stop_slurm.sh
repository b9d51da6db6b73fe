#!/usr/bin/env bash
# Stop the Slurm that start_slurm.sh started, with its jobs, and remove its settings and state.
set -euo pipefail

CONFIG=/etc/slurm/slurm.conf
STATE=/var/tmp/ttvos-slurm
MARK="# Written by TTVOS's tests/slow/cluster/start_slurm.sh"

# end FILE: end the daemon whose process number stands in the file, and wait until it is gone.
end() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && kill "$pid" 2>/dev/null || return 0
    for _ in {1..100}; do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}

[[ $EUID == 0 ]] || { echo "stop_slurm.sh: must be run as root" >&2; exit 1; }
if ! grep -qxF "$MARK" "$CONFIG" 2>/dev/null; then
    echo "stop_slurm.sh: no Slurm of start_slurm.sh here"
    exit 0
fi
if timeout 10 scontrol ping 2>/dev/null | grep -q "is UP"; then
    timeout 20 squeue --noheader --format=%A | xargs --no-run-if-empty timeout 20 scancel || true
    for _ in {1..50}; do
        [[ -n $(timeout 10 squeue --noheader --states=R,CG 2>/dev/null) ]] || break
        sleep 0.2
    done
fi
for file in "$STATE"/slurmd-*.pid "$STATE/slurmctld.pid" "$STATE/munged.pid"; do
    end "$file"
done
rm -rf "$STATE" "$CONFIG" "$(dirname "$CONFIG")/gres.conf"
echo "Slurm is stopped"
