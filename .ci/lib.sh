# SPDX-License-Identifier: GPL-3.0-or-later
# What .ci/run and .ci/long share: steps with their times, packages, and totals counted from the
# test logs.
passed=0 failed=0 skipped=0
failures=
jobs=$(getconf _NPROCESSORS_ONLN)
started=$(date +%s)

# step NAME COMMAND...: runs it, says how long it took; a failure counts as one failed.
step() {
    step_name=$1
    shift
    step_start=$(date +%s)
    printf '== %s\n' "$step_name"
    if "$@"; then
        printf '== %s: done in %d s\n' "$step_name" $(($(date +%s) - step_start))
        return 0
    fi
    printf '== %s: FAILED after %d s\n' "$step_name" $(($(date +%s) - step_start))
    failures="$failures, $step_name"
    failed=$((failed + 1))
    return 1
}

# install_packages PACKAGE...: installs all of them when one is missing.
install_packages() {
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' ||
            { apt-get update -q && DEBIAN_FRONTEND=noninteractive \
                apt-get install -q -y --no-install-recommends "$@"; } || return 1
    done
}

# count DIR: adds the single results that the TAP drivers recorded below DIR, and shows what failed
# or was skipped.
count() {
    results=$(find "$1" -name '*.trs' -exec sed -n 's/^:test-result: //p' {} +)
    p=$(printf '%s\n' "$results" | grep -c '^PASS' || true)
    f=$(printf '%s\n' "$results" | grep -cE '^(FAIL|ERROR|XPASS)' || true)
    s=$(printf '%s\n' "$results" | grep -c '^SKIP' || true)
    printf '%s\n' "$results" | grep -E '^(FAIL|ERROR|XPASS|SKIP)' | sort | uniq -c | head -60 || true
    printf '== %s: %d passed, %d failed, %d skipped\n' "$1" "$p" "$f" "$s"
    if [ "$f" -gt 0 ]; then
        find "$1" -name '*.trs' -exec grep -lE '^:test-result: (FAIL|ERROR|XPASS)' {} + |
            while read -r trs; do
                printf -- '-- %s\n' "${trs%.trs}.log"
                tail -n 60 "${trs%.trs}.log"
            done
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# finish: the closing line, and the exit status.
finish() {
    printf '== %d s in all%s\n' $(($(date +%s) - started)) "${failures:+; failed:${failures#,}}"
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ]
}
