#!/usr/bin/env bash
# A real single-machine Slurm from Debian's packages, for the demo and the tests: root and Debian (or Ubuntu) only.
#
#   cluster.sh start FOLDER     settings, state and logs go to FOLDER; /etc/slurm/slurm.conf becomes a link to it
#   cluster.sh stop FOLDER      ends what `start` started, nothing else, and takes the link away
set -euo pipefail

LINK=/etc/slurm/slurm.conf
HERE=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "slurm: $*" >&2
    exit 1
}

install_packages() {
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null && return
    command -v apt-get >/dev/null || fail "needs slurmctld, slurmd and munged; this system has no apt-get to install them"
    echo "slurm: installing Debian's slurm-wlm and munge (once)"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install -y --no-install-recommends slurm-wlm munge; } >"$1/install.log" 2>&1 ||
        fail "apt-get could not install slurm-wlm and munge; see $1/install.log"
}

# whether a daemon that `start FOLDER` started is still there
runs() {
    local pid
    for pid in $(cat "$1/started" 2>/dev/null); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in slurmctld | slurmd) return 0 ;; esac
    done
    return 1
}

# job steps read the settings from the default place only, so a link is needed there
link_settings() {
    local earlier
    earlier=$(dirname "$(readlink "$LINK" || true)")
    if [ -L "$LINK" ] && [ ! -e "$LINK" ]; then
        rm "$LINK" # a dangling link: an earlier demo whose folder has gone
    elif grep -qs "filled in by cluster.sh" "$LINK"; then
        ! runs "$earlier" || fail "an earlier one still runs; first: $HERE/cluster.sh stop $earlier"
        rm "$LINK" # an earlier demo that the machine's end ended
    fi
    [ ! -e "$LINK" ] || fail "$LINK exists: this machine has a Slurm of its own, which stays untouched"
    mkdir -p "$(dirname "$LINK")"
    ln -s "$1/slurm.conf" "$LINK"
}

write_settings() {
    local memory
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.95)}' /proc/meminfo)
    sed -e "s|@FOLDER@|$1|g" -e "s|@HOST@|$(hostname -s)|g" -e "s|@CPUS@|$(nproc --all)|g" -e "s|@MEMORY@|$memory|g" \
        "$HERE/slurm.conf.in" >"$1/slurm.conf"
    mkdir -p "$1/state" "$1/spool"
}

start_munge() {
    munge -n >/dev/null 2>&1 && return # one is running already: it is used, and left alone later
    [ -e /etc/munge/munge.key ] || mungekey --create
    install -d -o munge -g munge /run/munge /var/log/munge /var/lib/munge
    runuser -u munge -- munged
    cat /run/munge/munged.pid >>"$1/started"
}

wait_until_idle() {
    for _ in $(seq 100); do
        [ "$(timeout 10 sinfo --noheader --format=%T 2>/dev/null)" = idle ] && return
        sleep 0.2
    done
    fail "the node did not come up; see $1/slurmctld.log and $1/slurmd.log"
}

start() {
    [ "$(id -u)" = 0 ] || fail "starting Slurm's daemons needs root"
    mkdir -p "$1"
    : >"$1/started"
    install_packages "$1"
    write_settings "$1"
    link_settings "$1"
    start_munge "$1"
    slurmctld
    slurmd
    for daemon in slurmctld slurmd; do
        for _ in $(seq 50); do [ -s "$1/$daemon.pid" ] && break || sleep 0.1; done
        cat "$1/$daemon.pid" >>"$1/started"
    done
    wait_until_idle "$1"
    echo "slurm: $(sinfo --version) runs with $(nproc --all) CPUs on $(hostname -s)"
}

stop() {
    [ -e "$1/started" ] || return 0
    if [ "$(readlink "$LINK" 2>/dev/null)" = "$1/slurm.conf" ]; then
        timeout 20 scancel --user="$(id -un)" 2>/dev/null || true
        rm "$LINK"
    fi
    for pid in $(tac "$1/started"); do
        kill "$pid" 2>/dev/null || true
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null && sleep 0.1 || break; done
    done
    rm "$1/started"
}

[ $# = 2 ] || fail "cluster.sh start|stop FOLDER"
case $1 in
start | stop) "$1" "$(realpath -m "$2")" ;;
*) fail "cluster.sh start|stop FOLDER" ;;
esac
