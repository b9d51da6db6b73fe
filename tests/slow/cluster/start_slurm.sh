#!/usr/bin/env bash
# Start a real Slurm on this machine, for tests/slow/cluster/ and to try the Slurm profile.
#
#   apt-get install -y slurm-wlm munge     Debian or Ubuntu
#   tests/slow/cluster/start_slurm.sh           as root; a second call does nothing
#   tests/slow/cluster/start_slurm.sh 2         this machine as two nodes, for jobs that span nodes
#   tests/slow/cluster/stop_slurm.sh
#
# It needs neither systemd nor cgroups, so it runs in a container too. Each node declares two
# GPUs that do not exist: they are counted and handed out, and a job that uses one fails.
set -euo pipefail

NODES=${1:-1}
CONFIG=/etc/slurm/slurm.conf # where jobs find it too: the Snakemake plugin hides $SLURM_CONF
STATE=/var/tmp/ttvos-slurm   # state, spool and logs of the daemons
MARK="# Written by TTVOS's tests/slow/cluster/start_slurm.sh"

fail() {
    echo "start_slurm.sh: $*" >&2
    exit 1
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local tries=$(($1 * 5))
    shift
    until "$@" >/dev/null 2>&1; do
        ((tries-- > 0)) || return 1
        sleep 0.2
    done
}

is_ours() { grep -qxF "$MARK" "$CONFIG" 2>/dev/null; }
up_nodes() { timeout 10 sinfo --noheader --Node --states=idle,alloc,mix --format=%N | wc -l; }
all_nodes_up() { [[ $(up_nodes) == "$NODES" ]]; }

write_config() {
    local host memory
    host=$(hostname -s)
    # Memory is counted and not enforced. A job that asks for more than the node has would be
    # refused; the tiny clips of the tests need far less than their rules ask for.
    memory=$(awk '/^MemTotal/ {mb = int($2 / 1024); print mb < 16384 ? 16384 : mb}' /proc/meminfo)
    cat >"$CONFIG" <<CONF
$MARK
ClusterName=ttvos
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
StateSaveLocation=$STATE/state
SlurmdSpoolDir=$STATE/spool-%n
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/slurmd-%n.log
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd-%n.pid
# No cgroups: processes of a job are found by their ancestry, and no core is pinned.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# No accounting database: squeue shows finished jobs for two hours.
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=7200
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=DEFAULT CPUs=$(nproc) RealMemory=$memory Gres=gpu:2
CONF
    if [[ $NODES == 1 ]]; then
        echo "NodeName=$host NodeAddr=127.0.0.1" >>"$CONFIG"
    else
        echo "NodeName=node[1-$NODES] NodeHostname=$host NodeAddr=127.0.0.1" \
            "Port=[17001-$((17000 + NODES))]" >>"$CONFIG"
    fi
    echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP" >>"$CONFIG"
    touch "$STATE/gpu0" "$STATE/gpu1"
    echo "Name=gpu File=$STATE/gpu[0-1]" >"$(dirname "$CONFIG")/gres.conf"
}

start_munge() {
    munge --no-input >/dev/null 2>&1 && return
    mkdir -p /run/munge
    [[ -s /etc/munge/munge.key ]] || mungekey --create
    chown -R munge: /etc/munge /run/munge /var/log/munge /var/lib/munge
    chmod 0755 /run/munge
    setpriv --reuid=munge --regid=munge --clear-groups munged ||
        fail "munged does not start; see /var/log/munge/munged.log"
    wait_for 10 munge --no-input || fail "munged does not answer; see /var/log/munge/munged.log"
    cp /run/munge/munged.pid "$STATE/munged.pid" # what stop_slurm.sh ends: this one only
}

start_daemons() {
    slurmctld || fail "slurmctld does not start; see $STATE/slurmctld.log"
    if [[ $NODES == 1 ]]; then
        slurmd || fail "slurmd does not start; see $STATE"
    else
        for ((i = 1; i <= NODES; i++)); do
            slurmd -N "node$i" || fail "slurmd of node$i does not start; see $STATE"
        done
    fi
    wait_for 30 all_nodes_up || fail "the nodes do not come up; see the logs in $STATE"
}

[[ $NODES =~ ^[1-9]$ ]] || fail "usage: start_slurm.sh [NODES], with 1 to 9 nodes"
[[ $EUID == 0 ]] || fail "must be run as root (it writes $CONFIG and starts daemons)"
for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null ||
        fail "no $program on this machine: apt-get install -y slurm-wlm munge"
done
if [[ -e $CONFIG ]] && ! is_ours; then
    fail "$CONFIG is not ours: this machine belongs to another Slurm, which is left alone"
fi
if ! { is_ours && timeout 10 scontrol ping 2>/dev/null | grep -q "is UP" && all_nodes_up; }; then
    "$(dirname "$0")/stop_slurm.sh" >/dev/null
    mkdir -p "$(dirname "$CONFIG")" "$STATE/state"
    write_config
    start_munge
    start_daemons
fi
echo "Slurm is up: $(sinfo --noheader --format='%N, %c CPUs, %m MB, %G each')"
