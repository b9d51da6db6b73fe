#!/usr/bin/env bash
# Proof that everything runs on a GPU, and how fast, in ten minutes of one device.
#
#   benchmarks/gpu.sh --data PACK --out FOLDER         all steps, in order of worth
#   benchmarks/gpu.sh --data PACK --out FOLDER STEP... some of: masks tracker joined sweep kernels
#                                                      peers steptime compiled growth train
#                                                      training ablations (these two not in "all")
#   benchmarks/gpu.sh pack PACK                        what --data takes, from ../shared
#   benchmarks/gpu.sh --dry [--out FOLDER] [STEP...]   the same on the CPU, tiny, to try the script
#
#   --seconds N   for everything (570); each step also has a limit of its own, and `train` and
#                 `ablations` take what is left
#
# It needs Python with torch, torchvision, timm, opencv, pandas, scipy and safetensors, and neither
# snakemake nor fvcore nor a network; pydantic it takes from the pack where Python has none
# (pack --python X.Y where that is not 3.12). A step that fails or runs out of time does not stop the next.
# FOLDER receives each step's file and log, summary.tsv, and all of it but half-done trainings'
# states in one results.tar.gz, which is written anew after each step. Results belong in
# results-published/performance/. In a copy of the tree without git, TTVOS_COMMIT names the commit.
set -uo pipefail
here=$PWD
cd "$(dirname "$0")/.." || exit 1
python=${PYTHON:-python3}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
# In a copy of the tree without git, say which commit it is: TTVOS_COMMIT=... benchmarks/gpu.sh ...
if [ -z "${TTVOS_COMMIT:-}" ] && ! git rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
    echo "gpu.sh: no git here, so results name no commit; set TTVOS_COMMIT to this tree's" >&2
    unset TTVOS_COMMIT
fi

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; }
fail() { echo "gpu.sh: $1" >&2; exit 1; }
# A path of the caller's, who may stand elsewhere.
whole() { case $1 in /*) echo "$1" ;; *) echo "$here/$1" ;; esac; }

if [ "${1-}" = pack ]; then
    [ $# -ge 2 ] || fail "pack FOLDER: name the folder to write"
    pack=$(whole "$2")
    exec "$python" -m benchmarks.pack "$pack" "${@:3}"
fi

data= out= dry= total= steps=()
known="masks tracker joined sweep kernels peers steptime compiled growth train training ablations"
while [ $# -gt 0 ]; do
    case $1 in
        --data) [ $# -ge 2 ] || fail "--data needs a folder"; data=$(whole "$2"); shift 2 ;;
        --out) [ $# -ge 2 ] || fail "--out needs a folder"; out=$(whole "$2"); shift 2 ;;
        --seconds) [ $# -ge 2 ] || fail "--seconds needs a number"; total=$2; shift 2 ;;
        --dry) dry=yes; shift ;;
        -h | --help) usage; exit 0 ;;
        *)
            [[ " all $known " == *" $1 "* ]] || fail "no step $1; there are: all $known"
            steps+=("$1"); shift ;;
    esac
done
everything="masks tracker joined sweep kernels peers steptime compiled growth train"
wanted=" ${steps[*]-all} "
read -ra steps <<<"${wanted/ all / $everything }"
[ -n "$total" ] || total=$([ -n "$dry" ] && echo 3600 || echo 570)
case $total in *[!0-9]*) fail "--seconds $total: whole seconds" ;; esac

device=cuda
if [ -n "$dry" ]; then
    device=cpu
    [ -n "$out" ] || { out=$(mktemp -d) || exit 1; }
fi
[ -n "$out" ] || fail "--out FOLDER is needed; see benchmarks/gpu.sh --help"
mkdir -p "$out/logs" || exit 1
out=$(cd "$out" && pwd)
if [ -n "$dry" ] && [ -z "$data" ]; then
    data=$out/dry-data
    [ -d "$data/val" ] || "$python" -m benchmarks.dry_pack "$data" || fail "no data for a dry run"
fi
[ -d "$data/val" ] || fail "--data: no pack in '$data'; benchmarks/gpu.sh pack FOLDER makes one"
data=$(cd "$data" && pwd)

has_pydantic() { "$python" -c 'import pydantic' 2>/dev/null; }
if ! has_pydantic; then
    [ -d "$data/wheels" ] || fail "Python here has no pydantic, and the pack brings none: pack again"
    site=$(mktemp -d) || exit 1
    trap 'rm -rf "$site"' EXIT
    for wheel in "$data"/wheels/*.whl; do
        "$python" -m zipfile -e "$wheel" "$site" || fail "$wheel: cannot be unpacked"
    done
    export PYTHONPATH=$site:$PYTHONPATH
    has_pydantic || fail "the pack's pydantic is for another Python than $("$python" -V): pack --python"
fi

end=$((SECONDS + total))
left() { echo $((end - SECONDS)); }

# step NAME LIMIT COMMAND...: run it for LIMIT seconds at most, note how it ended, pack all results.
step() {
    local name=$1 limit=$2 began=$SECONDS code
    shift 2
    [ -z "$dry" ] || limit=$total # a trial takes as long as it takes
    [ "$limit" -le "$(left)" ] || limit=$(left)
    if [ "$limit" -lt 5 ]; then
        printf '%s\tno time left\t0\n' "$name" >>"$out/summary.tsv"
        return
    fi
    echo "== $name: at most $limit s, $(left) s left in all"
    timeout --kill-after=10 "$limit" "$@" 2>&1 | tee "$out/logs/$name.log"
    code=${PIPESTATUS[0]}
    case $code in
        0) code=done ;;
        124 | 137) code="out of time" ;;
        *) code="failed ($code)" ;;
    esac
    printf '%s\t%s\t%s\n' "$name" "$code" "$((SECONDS - began))" >>"$out/summary.tsv"
    # By name: of ".", which the archive itself changes, tar would say that it changed, and fail.
    (cd "$out" && tar --exclude=./results.tar.gz --exclude=./dry-data --exclude='state*.pt' \
        -czf .results.part ./* && mv .results.part results.tar.gz)
}
bench() { step "$1" "$2" "$python" -m "benchmarks.$3" --device "$device" "${@:4}"; }

rm -f "$out/summary.tsv"
size=() repeats=320 peers=() only=(--only car-shadow) profile=workflow/runs/paper.yaml
rows=(exp8-hrnet exp1-hrnet exp8-resnet18 exp8-resnet50 exp8-mobilenetv3 exp2-hrnet exp3-hrnet
    exp4-hrnet exp5-hrnet exp6-hrnet exp7-hrnet)
few=() frames=300 training=() tiny=() peer_seconds=50
if [ -n "$dry" ]; then
    size=(--height 64 --width 96) repeats=3 peers=(--names siammask --frames 5) only=()
    profile=$data/dry.yaml rows=(exp8-hrnet) frames=60 tiny=(--tiny) peer_seconds=600
    few=(--batches 2 --workers 0 --height 48 --width 64 --most-steps 2 --heldout)
    training=(--parts speed --repeats 1 --height 48 --width 64)
fi
for name in "${steps[@]}"; do
    case $name in
        masks) bench masks 120 masks --dataset "$data/val" "${only[@]}" --commands \
            --out "$out/masks-$device.json" ;;
        tracker) bench tracker 150 tracker --no-compile --repeats $repeats "${size[@]}" \
            --out "$out/tracker-$device.json" ;;
        sweep) bench sweep 80 sweep --repeats $repeats --seconds 65 "${tiny[@]}" \
            --out "$out/sweep-$device.json" ;;
        kernels) bench kernels 40 kernels "${size[@]}" --out "$out/kernels-$device.json" ;;
        peers) bench peers $((peer_seconds + 30)) peers "${peers[@]}" "${size[@]}" \
            --seconds $peer_seconds --out "$out/peers-$device.json" ;;
        steptime) step steptime 75 "$python" -m ttvos steptime --config "$profile" \
            --rows "${rows[@]}" --device $device --steps 3 --warmup 1 --seconds 45 \
            --out "$out/steptime-$device.json" ;;
        # What may fail on a device, or take too long, is in steps of its own. On trial: cuDNN's
        # calls that join bias, sum and ReLU to a convolution; their speed, then their masks.
        joined) if [ -z "$dry" ]; then
            bench joined 40 tracker --repeats $repeats \
                --paths "graph float16" "joined graph float16" --out "$out/joined-$device.json"
            bench joined-masks 30 masks --dataset "$data/val" "${only[@]}" \
                --paths "joined graph float16" --out "$out/joined-masks-$device.json"
        fi ;;
        compiled) [ -n "$dry" ] || bench compiled 150 tracker --repeats $repeats \
            --paths "graph float16" "compiled graph float16" --out "$out/compiled-$device.json" ;;
        growth) bench growth 150 growth --frames $frames --repeats 10 "${tiny[@]}" "${size[@]}" \
            --out "$out/growth-$device.json" ;;
        training) bench training 240 training "${training[@]}" --out "$out/training-$device.json" ;;
        train | ablations)
            seconds=$(($(left) - 30))
            choice=()
            [ $name = train ] || choice=(--ablations)
            [ $name = train ] || [ -z "$dry" ] || choice+=(--experiments exp1 exp8 --seeds 1)
            bench $name $((seconds + 30)) train_for --data "$data" --seconds $seconds "${few[@]}" \
                "${choice[@]}" --out "$out/$name" ;;
    esac
done
echo "== $out"
cat "$out/summary.tsv"
! grep -q "failed" "$out/summary.tsv"
